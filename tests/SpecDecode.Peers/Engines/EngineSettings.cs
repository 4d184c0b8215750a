using System.Text.Json;
using System.Text.Json.Serialization;

namespace SpecDecode.Peers.Engines;

/// <summary>What a process with an engine is told when it starts, as one argument.</summary>
internal sealed record EngineSettings
{
    private static readonly JsonSerializerOptions Options = new() { Converters = { new JsonStringEnumConverter() } };

    /// <summary>Which engine.</summary>
    public required EngineName Engine { get; init; }

    /// <summary>Its file or folder.</summary>
    public required string Model { get; init; }

    /// <summary>Where this library keeps prepared weights.</summary>
    public required string CacheFolder { get; init; }

    /// <summary>The precision, which the peers' files have already.</summary>
    public required Precision Precision { get; init; }

    /// <summary>Threads that compute.</summary>
    public required int Threads { get; init; }

    /// <summary>Token ids of the model.</summary>
    public required int Vocabulary { get; init; }

    /// <summary>The prompt, in token ids.</summary>
    public required int[] Prompt { get; init; }

    /// <summary>New tokens of each text.</summary>
    public required int Tokens { get; init; }

    /// <summary>Prompt and new tokens together.</summary>
    [JsonIgnore]
    public int Length => Prompt.Length + Tokens;

    /// <summary>Reads the argument.</summary>
    public static EngineSettings Parse(string argument) => JsonSerializer.Deserialize<EngineSettings>(argument, Options)!;

    /// <summary>The argument.</summary>
    public override string ToString() => JsonSerializer.Serialize(this, Options);
}
