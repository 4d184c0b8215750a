namespace SpecDecode.Hosting;

/// <summary>
/// Section <c>Model</c>: which model, and how it is loaded. Relative paths, those of <see cref="ModelOptions.CacheFolder"/> and <see cref="ModelOptions.ChatTemplate"/> too, are
/// taken from the content root of the host, or, without a host, from the current directory.
/// </summary>
public sealed class HostedModelOptions : ModelOptions
{
    /// <summary>
    /// The checkpoint folder: config.json, model.safetensors or shards with an index, tokenizer.json.
    /// </summary>
    /// <value>Required.</value>
    [Given("the folder of a checkpoint (config.json, model.safetensors, tokenizer.json)")]
    public string Path { get; set; } = "";

    /// <summary>What metrics, spans, logs and health checks call the model. No two models of a host have the same.</summary>
    /// <value>The default, null, is the key of a model of the section <c>Models</c> or the name that it was added with, else the name of the folder.</value>
    [NameInTelemetry]
    public string? Name { get; set; }
}
