using SpecDecode.Models.Checkpoints;
using SpecDecode.Models.Descriptions;
using SpecDecode.Models.Families;
using SpecDecode.Models.Weights;
using SpecDecode.OnnxRuntime;
using SpecDecode.OnnxRuntime.Stages;
using SpecDecode.Tokenizers;

namespace SpecDecode.Models;

/// <summary>What loading a checkpoint gives: the stages, and what goes with them.</summary>
/// <param name="Description">The model as data.</param>
/// <param name="Weights">The prepared weights, which the stages need as long as they live.</param>
/// <param name="Stages">The stages.</param>
/// <param name="Tokenizer">Its tokenizer; null where there is none that can be used.</param>
internal sealed record LoadedModel(DecoderDescription Description, PreparedWeights Weights, OnnxStages Stages, TextTokenizer? Tokenizer) : IDisposable
{
    /// <inheritdoc/>
    public void Dispose()
    {
        Stages.Dispose();
        Weights.Dispose();
    }
}

/// <summary>From a checkpoint folder to stages: open, describe, prepare the weights, create the sessions.</summary>
internal static class ModelLoader
{
    private const int MostRowsPerPass = 8192;

    /// <summary>Loads a model.</summary>
    /// <param name="folder">The checkpoint folder.</param>
    /// <param name="options">Where prepared weights go.</param>
    /// <param name="runtime">How it is run.</param>
    /// <param name="warn">Told what is not as the user may expect, a sentence at a time.</param>
    /// <param name="progress">Told how far loading is.</param>
    /// <param name="cancellation">Ends the loading.</param>
    public static LoadedModel Load(
        string folder, ModelOptions options, RuntimeOptions runtime, Action<string> warn,
        IProgress<LoadProgress>? progress, CancellationToken cancellation)
    {
        Check(runtime);
        using Checkpoint checkpoint = Checkpoint.Open(folder);
        DecoderDescription description = ModelFamilies.Describe(checkpoint);
        int maxSequenceLength = MaxSequenceLength(runtime, description);

        // Hashing the weights takes as long as reading them; the tokenizer and the environment come up meanwhile.
        using CancellationTokenSource abandoned = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        Task<UInt128> fingerprint = Task.Run(() => checkpoint.Fingerprint(progress, abandoned.Token), CancellationToken.None);
        try
        {
            TextTokenizer? tokenizer = LoadTokenizer(checkpoint, description, warn);
            RuntimeEnvironment environment = RuntimeEnvironment.Get(runtime, warn);
            ExecutionProvider provider = ExecutionProvider.Get(runtime, environment);
            PreparedWeights weights = new WeightCache(options.CacheFolder).Open(
                checkpoint, fingerprint.GetAwaiter().GetResult(), description, progress, cancellation);
            try
            {
                StageSessions sessions = StageSessions.Create(description, weights, environment, runtime, progress, cancellation);
                OnnxStages stages = new(description, sessions, provider.Buffers, maxSequenceLength, runtime.MaxRowsPerPass);
                return new LoadedModel(description, weights, stages, tokenizer);
            }
            catch
            {
                weights.Dispose();
                throw;
            }
        }
        finally
        {
            // The hashing reads the checkpoint's files, which close when this method ends.
            abandoned.Cancel();
            Task.WaitAny([fingerprint], CancellationToken.None);
        }
    }

    private static void Check(RuntimeOptions runtime)
    {
        // More threads than processors only wait for each other; thousands of them never end.
        int mostThreads = Math.Max(64, Environment.ProcessorCount);
        if (runtime.Threads < 1 || runtime.Threads > mostThreads)
        {
            throw new SpecDecodeException($"Threads is {runtime.Threads}: give 1 to {mostThreads}, or leave it unset for one per physical core.");
        }

        if (runtime.MaxRowsPerPass is < 1 or > MostRowsPerPass)
        {
            throw new SpecDecodeException($"MaxRowsPerPass is {runtime.MaxRowsPerPass}: give 1 to {MostRowsPerPass}.");
        }
    }

    private static int MaxSequenceLength(RuntimeOptions runtime, DecoderDescription description)
    {
        int length = runtime.MaxSequenceLength ?? description.MaxPositions;
        return length >= 1 && length <= description.MaxPositions
            ? length
            : throw new SpecDecodeException(
                $"MaxSequenceLength is {length}: this model allows 1 to {description.MaxPositions} (max_position_embeddings).");
    }

    private static TextTokenizer? LoadTokenizer(Checkpoint checkpoint, DecoderDescription description, Action<string> warn)
    {
        if (checkpoint.TokenizerPath is null)
        {
            warn($"{checkpoint.Folder}: there is no tokenizer.json and no tokenizer.model, so prompts must be token ids and results have no text.");
            return null;
        }

        try
        {
            TextTokenizer tokenizer = TextTokenizer.Load(checkpoint.TokenizerPath);
            if (tokenizer.VocabularySize > description.VocabularySize)
            {
                warn($"{checkpoint.TokenizerPath}: it has ids up to {tokenizer.VocabularySize - 1}, but the model's vocabulary ends at {description.VocabularySize - 1}; texts that need ids beyond are refused.");
            }

            return tokenizer;
        }
        catch (UnsupportedTokenizerException error)
        {
            warn($"{error.Message} Prompts must be token ids and results have no text.");
            return null;
        }
    }
}
