using SpecDecode.ChatTemplates;
using SpecDecode.Checkpoints;
using SpecDecode.Descriptions;
using SpecDecode.Drafting.Profiles;
using SpecDecode.Families;
using SpecDecode.Sampling;
using SpecDecode.Tokenizers;
using SpecDecode.Weights;

namespace SpecDecode.Models;

/// <summary>
/// Looks at a folder part by part, config, weights, tokenizer and templates, each as far as it can be read, and gathers what is wrong
/// with each. Of weights only headers are read; nothing is written.
/// </summary>
internal sealed class ModelInspection
{
    private readonly string _folder;
    private readonly List<string> _problems = [];
    private readonly List<string> _warnings = [];

    private ModelInspection(string folder)
    {
        _folder = folder;
    }

    /// <summary>Looks at a folder.</summary>
    public static ModelSummary Run(string folder)
    {
        try
        {
            string path = CheckpointFile.FullPath(folder);
            CheckpointFolder.CheckExists(path);
            return new ModelInspection(path).Run();
        }
        catch (CheckpointException error)
        {
            return new ModelSummary { Folder = folder, Problems = [error.Message], Warnings = [] };
        }
    }

    private ModelSummary Run()
    {
        ConfigDocument? config = ReadIfThere(CheckpointFolder.Config);
        ConfigDocument? generation = ReadIfThere(CheckpointFolder.GenerationConfig);
        IModelFamily? family = config is null ? null : Attempt(() => ModelFamilies.Of(config));
        IReadOnlyList<int> ends = [.. Ends(config).Union(Ends(generation))];

        DeferredComplaints deferred = new();
        using ModelFolder? source = Attempt(() => ModelFolder.OpenDeferring(_folder, deferred));
        if (source is null)
        {
            FindMissingShards();
        }

        bool isQuantized = source is not null && Attempt(() => { QuantizedCheckpoint.Refuse(source.Checkpoint); return this; }) is null;
        DecoderSummary? decoder = family is null || isQuantized ? null : Decoder(config!, family, source, deferred);
        return new ModelSummary
        {
            Folder = _folder,
            IsPrepared = source?.IsPrepared ?? CheckpointFolder.IsThere(Path.Combine(_folder, CheckpointFolder.Prepared)),
            Family = family?.Defaults.ModelType ?? Quietly(() => config?.String("model_type", null)),
            Decoder = decoder,
            Tokenizer = Tokenizer(decoder?.VocabularySize, ends),
            ChatTemplate = Templates(),
            Profile = decoder is null ? null : FolderProfile.Find(
                _folder, new ModelIdentity(family!.Defaults.ModelType, decoder.LayerCount, decoder.VocabularySize, source?.FindFingerprint()), bridges: null, _warnings.Add),
            EndOfSequence = ends,
            SuggestedSampling = generation is null ? null : Sampling(generation),
            Problems = _problems,
            Warnings = _warnings,
        };
    }

    private DecoderSummary? Decoder(ConfigDocument config, IModelFamily family, ModelFolder? source, DeferredComplaints deferred)
    {
        foreach (string complaint in ConfigComplaints.Find(config, family.Defaults))
        {
            AddProblem(complaint);
        }

        if (source is null)
        {
            return null;
        }

        DecoderDescription? description = AfterDeferred(deferred, () => ModelFamilies.Describe(source.Checkpoint));
        return description is null ? null : Attempt(() => DecoderFacts.Of(description, config, family.Defaults, source));
    }

    // What was kept comes before the one that ended it.
    private DecoderDescription? AfterDeferred(DeferredComplaints deferred, Func<DecoderDescription> describe)
    {
        DecoderDescription? description = null;
        string? last = null;
        try
        {
            description = describe();
        }
        catch (CheckpointException error)
        {
            last = error.Message;
        }

        foreach (string complaint in deferred.Sentences)
        {
            AddProblem(complaint);
        }

        if (last is not null)
        {
            AddProblem(last);
        }

        if (deferred.IsFull)
        {
            _warnings.Add($"{_folder}: so many tensors do not fit that the others were not looked at.");
        }

        return description;
    }

    // Loading says the first one; an interrupted download lacks several.
    private void FindMissingShards()
    {
        string index = Path.Combine(_folder, CheckpointFolder.ShardIndex);
        if (CheckpointFolder.IsThere(Path.Combine(_folder, CheckpointFolder.SingleFile)) || !CheckpointFolder.IsThere(index)
            || Attempt(() => ShardIndex.Load(index)) is not { } shards)
        {
            return;
        }

        int bad = 0;
        foreach (string shard in shards.ShardOfTensor.Values.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal))
        {
            if (Attempt(() => OpenShard(shards, shard)) is { } file)
            {
                file.Dispose();
            }
            else if (++bad == DeferredComplaints.Most)
            {
                _warnings.Add($"{_folder}: so many shards cannot be used that the others were not looked at.");
                return;
            }
        }
    }

    private SafetensorsFile OpenShard(ShardIndex shards, string shard) => ShardSet.OpenShard(_folder, shard, shards);

    private TokenizerSummary? Tokenizer(int? vocabularySize, IReadOnlyList<int> ends)
    {
        string? path = CheckpointFolder.FindTokenizer(_folder);
        TextTokenizer? tokenizer = Attempt(() => TokenizerLoading.Load(_folder, path, vocabularySize, _warnings.Add));
        return tokenizer is null ? null : new TokenizerSummary
        {
            File = Path.GetFileName(path!),
            Kind = tokenizer.Kind,
            VocabularySize = tokenizer.VocabularySize,
            EndOfSequence = [.. ends.Select(id => id < 0 ? "" : tokenizer.Decode([id], skipSpecialTokens: false))],
        };
    }

    // A model loads without templates: only conversations need them.
    private ChatTemplateSummary? Templates()
    {
        try
        {
            return ChatTemplateFiles.Find(_folder, out string file) is { } templates
                ? new ChatTemplateSummary { File = file, Names = [.. templates.Names.Order(StringComparer.Ordinal)] }
                : null;
        }
        catch (SpecDecodeException error)
        {
            _warnings.Add($"Conversations would be refused. {error.Message}");
            return null;
        }
    }

    private SamplingOptions? Sampling(ConfigDocument generation)
    {
        try
        {
            if (!generation.Bool("do_sample", fallback: true))
            {
                return null;
            }

            SamplingOptions suggested = new()
            {
                Temperature = (float)(generation.Has("temperature") ? generation.PositiveNumber("temperature") : 1),
                TopK = generation.NonNegativeInt("top_k", 0),
                TopP = (float)generation.PositiveNumber("top_p", 1),
                MinP = generation.Has("min_p") ? (float)generation.PositiveNumber("min_p") : 0,
            };
            bool isGiven = generation.Keys.Any(key => key is "do_sample" or "temperature" or "top_k" or "top_p" or "min_p");
            return isGiven && !suggested.Errors().Any() ? suggested : null;
        }
        catch (CheckpointException error)
        {
            _warnings.Add(error.Message);
            return null;
        }
    }

    private IReadOnlyList<int> Ends(ConfigDocument? config) => config is null ? [] : Attempt(() => config.IntOrInts("eos_token_id")) ?? [];

    private ConfigDocument? ReadIfThere(string name)
    {
        string path = Path.Combine(_folder, name);
        return CheckpointFolder.IsThere(path) ? Attempt(() => ConfigDocument.Load(path)) : null;
    }

    private T? Attempt<T>(Func<T?> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (SpecDecodeException error)
        {
            AddProblem(error.Message);
            return null;
        }
    }

    private static string? Quietly(Func<string?> read)
    {
        try
        {
            return read();
        }
        catch (CheckpointException)
        {
            return null;
        }
    }

    private void AddProblem(string sentence)
    {
        if (!_problems.Contains(sentence))
        {
            _problems.Add(sentence);
        }
    }
}
