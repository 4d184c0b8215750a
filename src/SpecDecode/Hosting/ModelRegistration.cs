using Microsoft.Extensions.Configuration;

namespace SpecDecode.Hosting;

/// <summary>A model that was added to the services.</summary>
/// <param name="Key">Its name; empty for the one without.</param>
/// <param name="Place">What stands before an option's own name in sentences.</param>
/// <param name="Section">Where its options are read; null for options in code.</param>
internal sealed record ModelRegistration(string Key, string Place, IConfiguration? Section)
{
    /// <summary>Whether the section has models of its own by name: only that of the model without one does.</summary>
    public IConfiguration? NamedModels => Key.Length == 0 ? Section?.GetSection(ConfigurationKeys.Models) : null;
}
