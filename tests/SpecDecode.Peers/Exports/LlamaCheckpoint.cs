using System.Globalization;
using SpecDecode.Checkpoints;

namespace SpecDecode.Peers.Exports;

/// <summary>A plain Llama checkpoint, which all engines can be given: its sizes, and its tensors in float32.</summary>
internal sealed class LlamaCheckpoint : IDisposable
{
    /// <summary>The embedding, and the head where the two are tied.</summary>
    public const string Embedding = "model.embed_tokens.weight";

    private readonly Checkpoint _checkpoint;

    private LlamaCheckpoint(Checkpoint checkpoint)
    {
        _checkpoint = checkpoint;
        ConfigDocument config = checkpoint.Config;
        Refuse(config.RequiredString("model_type") != "llama", "model_type", "is not 'llama'; only plain Llama models are written for the peers");
        Refuse(config.Has("rope_scaling"), "rope_scaling", "is set; only the plain rotary embedding is written for the peers");
        Refuse(config.Bool("attention_bias", false), "attention_bias", "is true; only matrices without biases are written for the peers");
        Refuse(config.Bool("mlp_bias", false), "mlp_bias", "is true; only matrices without biases are written for the peers");
        Refuse(config.String("hidden_act", "silu") != "silu", "hidden_act", "is not 'silu'; only that activation is written for the peers");
        ConfigDocument rotary = config.Object("rope_parameters") ?? config;
        Refuse(
            rotary.String("rope_type", "default") != "default", "rope_parameters", "has a scaling; only the plain rotary embedding is written for the peers");
        Hidden = Width("hidden_size");
        Intermediate = Width("intermediate_size");
        Layers = config.PositiveInt("num_hidden_layers");
        Heads = config.PositiveInt("num_attention_heads");
        KeyValueHeads = config.PositiveInt("num_key_value_heads", Heads);
        HeadSize = config.PositiveInt("head_dim", Hidden / Heads);
        Vocabulary = config.PositiveInt("vocab_size");
        Context = config.PositiveInt("max_position_embeddings");
        Epsilon = (float)config.PositiveNumber("rms_norm_eps");
        RotaryBase = (float)rotary.PositiveNumber("rope_theta", 10_000);
        IsTied = config.Bool("tie_word_embeddings", false);
        Refuse(Heads * HeadSize % SymmetricBlocks.Size != 0, "num_attention_heads", $"makes heads of {Heads * HeadSize} channels together; only multiples of {SymmetricBlocks.Size} are written for the peers");
    }

    /// <summary>Width of the residual.</summary>
    public int Hidden { get; }

    /// <summary>Width of the MLP.</summary>
    public int Intermediate { get; }

    /// <summary>Number of layers.</summary>
    public int Layers { get; }

    /// <summary>Heads of queries.</summary>
    public int Heads { get; }

    /// <summary>Heads of keys and values.</summary>
    public int KeyValueHeads { get; }

    /// <summary>Channels of a head.</summary>
    public int HeadSize { get; }

    /// <summary>Number of token ids.</summary>
    public int Vocabulary { get; }

    /// <summary>Longest sequence.</summary>
    public int Context { get; }

    /// <summary>The norms' epsilon.</summary>
    public float Epsilon { get; }

    /// <summary>The rotary embedding's base.</summary>
    public float RotaryBase { get; }

    /// <summary>Whether the head is the embedding.</summary>
    public bool IsTied { get; }

    /// <summary>Name of the head's tensor.</summary>
    public string Head => IsTied ? Embedding : "lm_head.weight";

    /// <summary>What its matrices are stored as; float32, which holds all of them, where they are stored as several.</summary>
    public Precision Stored
    {
        get
        {
            TensorElementType[] types = [.. _checkpoint.Tensors.Values.Where(tensor => tensor.Shape.Length == 2).Select(tensor => tensor.ElementType).Distinct()];
            return types switch
            {
                [TensorElementType.BFloat16] => Precision.Bf16,
                [TensorElementType.Float16] => Precision.Fp16,
                _ => Precision.Fp32,
            };
        }
    }

    /// <summary>Opens a folder.</summary>
    /// <exception cref="CheckpointException">It is damaged, or not a plain Llama model.</exception>
    public static LlamaCheckpoint Open(string folder)
    {
        Checkpoint checkpoint = Checkpoint.Open(folder);
        try
        {
            return new LlamaCheckpoint(checkpoint);
        }
        catch
        {
            checkpoint.Dispose();
            throw;
        }
    }

    /// <summary>A name for what the files hold, the same for the same content.</summary>
    public string Fingerprint() => _checkpoint.Fingerprint().ToString();

    /// <summary>A tensor of one of the layers, by its name behind <c>model.layers.N.</c></summary>
    public static string InLayer(int layer, string name) => string.Create(CultureInfo.InvariantCulture, $"model.layers.{layer}.{name}.weight");

    /// <summary>Reads a tensor, row by row.</summary>
    /// <exception cref="CheckpointException">It is missing or has another shape.</exception>
    public float[] Read(string name, params ReadOnlySpan<long> shape)
    {
        TensorEntry tensor = _checkpoint.Require(name, shape);
        long length = 1;
        foreach (long dimension in shape)
        {
            length *= dimension;
        }

        float[] values = new float[length];
        _checkpoint.ReadFloats(tensor, 0, values);
        return values;
    }

    /// <inheritdoc/>
    public void Dispose() => _checkpoint.Dispose();

    // Widths that rows of matrices have: they are rounded in blocks.
    private int Width(string key)
    {
        int width = _checkpoint.Config.PositiveInt(key);
        Refuse(width % SymmetricBlocks.Size != 0, key, $"is {width}; only multiples of {SymmetricBlocks.Size} are written for the peers");
        return width;
    }

    private void Refuse(bool isRefused, string key, string problem)
    {
        if (isRefused)
        {
            throw _checkpoint.Config.Error(key, problem + ": give another model");
        }
    }
}
