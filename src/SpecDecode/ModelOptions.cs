namespace SpecDecode;

/// <summary>How a checkpoint is loaded.</summary>
public class ModelOptions
{
    /// <summary>
    /// Folder for prepared-weights files: the checkpoint's weights, converted once, four bytes for each parameter. Safe to
    /// share between processes and to delete while no process uses it.
    /// </summary>
    /// <value>The default, null, is <c>specdecode</c> in the user's cache directory.</value>
    public string? CacheFolder { get; set; }
}
