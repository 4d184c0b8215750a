using System.Text.Json;
using System.Text.Json.Nodes;
using SpecDecode.Generation;
using SpecDecode.Models;

namespace SpecDecode.Tests.Tool;

public sealed class InfoCommandTests : IDisposable
{
    private readonly FixtureCheckpoint _model = new();
    private readonly TemporaryFolder _folder = new();

    public static TheoryData<string> Fixtures =>
        [.. Directory.EnumerateDirectories(Path.Combine(TestFolders.Repository, "tests", "SpecDecode.Tests", "Fixtures")).Select(folder => Path.GetFileName(folder)).Order()];

    public void Dispose()
    {
        _model.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void Figures_of_a_checkpoint_are_those_of_the_loaded_model(string fixture)
    {
        using FixtureCheckpoint model = new(fixture);
        ToolRun run = ToolRun.Of("info", "--model", model.Folder, "--json");

        Assert.True(run.ExitCode == 0, run.Output + run.Error);
        Assert.False(Directory.Exists(model.Cache));
        JsonElement info = run.Json;
        ModelOptions options = new() { CacheFolder = model.Cache };
        using LoadedModel loaded = ModelLoader.Load(model.Folder, options, new RuntimeOptions(), _ => { }, null, TestContext.Current.CancellationToken);
        Assert.Equal(loaded.Description.Family, info.GetProperty("family").GetString());
        Assert.Equal(loaded.Stages.LayerCount, info.GetProperty("layers").GetInt32());
        Assert.Equal(loaded.Stages.VocabularySize, info.GetProperty("vocabulary_size").GetInt32());
        Assert.Equal(loaded.Stages.MaxSequenceLength, info.GetProperty("max_sequence_length").GetInt32());
        Assert.Equal(loaded.Stages.Pages.BytesOf(loaded.Stages.MaxSequenceLength), info.GetProperty("kv_bytes_of_context").GetInt64());
        Assert.Equal(loaded.Description.EndOfSequence, info.GetProperty("end_of_sequence").EnumerateArray().Select(id => id.GetInt32()));

        // A length of many positions rounds to pages once for each layer's keys and values.
        double perToken = (loaded.Stages.Pages.BytesOf(1_000_000) - loaded.Stages.Pages.BytesOf(0)) / 1e6;
        Assert.Equal(perToken, info.GetProperty("kv_bytes_per_token").GetDouble(), perToken * 0.02);
        Precision own = loaded.Precision;
        foreach ((int i, Precision precision) in ((Precision[])[own, Precision.Int8, Precision.Int4]).Index())
        {
            PreparedModel prepared = ModelPreparation.Prepare(model.Folder, new ModelOptions { CacheFolder = model.Cache, Precision = precision }, cancellationToken: TestContext.Current.CancellationToken);
            JsonElement said = info.GetProperty("weights")[i];
            Assert.Equal(precision.ToString(), said.GetProperty("precision").GetString(), ignoreCase: true);

            // One hash, of 20 digits at most.
            Assert.InRange(said.GetProperty("file_bytes").GetInt64() - prepared.Bytes, 0, 19);
            Assert.InRange(said.GetProperty("memory_bytes").GetInt64(), 1, prepared.Bytes);
        }
    }

    [Fact]
    public void The_story_model_is_told_in_words()
    {
        ToolRun run = ToolRun.Of("info", "--model", FixtureCheckpoint.Tales);

        Assert.Equal(0, run.ExitCode);
        Assert.Equal("", run.Error);
        Assert.All(
            ["llama, 12 layers, 9.9 million parameters, stored as BF16", "8 heads of 32, 4 for keys and values", "BPE with 4096 ids", "0 <|endoftext|>",
             "bf16 with a copy in int4 that drafts: ", "loads        yes"],
            part => Assert.Contains(part, run.Output, StringComparison.Ordinal));
    }

    [Fact]
    public void Weights_in_memory_are_the_tensors_without_a_table_that_is_read_from_the_file()
    {
        foreach (string fixture in (string[])["llama_base", "llama_tied_bias_f32"])
        {
            using FixtureCheckpoint model = new(fixture);
            ModelSummary summary = TextModel.Inspect(model.Folder);
            DecoderSummary decoder = summary.Decoder!;
            Assert.Equal(fixture.Contains("tied", StringComparison.Ordinal), decoder.TiesEmbedding);
            long table = decoder.TiesEmbedding ? 0 : (long)decoder.VocabularySize * decoder.HiddenSize;
            int bytes = decoder.Weights[0].Precision == Precision.Fp32 ? 4 : 2;
            long padding = decoder.Weights[0].MemoryBytes - bytes * (decoder.Parameters - table);

            // Heads of other sizes than the kernel's are padded, which adds a little.
            Assert.InRange(padding, 0, decoder.Parameters);
        }
    }

    [Fact]
    public void A_prepared_folder_and_a_linked_one_are_told_as_the_checkpoint()
    {
        string prepared = _folder.File("prepared");
        PreparedModel made = ModelPreparation.Prepare(_model.Folder, new ModelOptions { Precision = Precision.Int8 }, prepared, cancellationToken: TestContext.Current.CancellationToken);
        ModelSummary checkpoint = TextModel.Inspect(_model.Folder);
        ModelSummary summary = TextModel.Inspect(prepared);
        Assert.True(summary.CanLoad, string.Join('\n', summary.Problems));
        Assert.True(summary.IsPrepared);
        Assert.Equal(checkpoint.Decoder!.Parameters, summary.Decoder!.Parameters);
        WeightSummary weights = Assert.Single(summary.Decoder.Weights);
        Assert.Equal((Precision.Int8, made.Bytes), (weights.Precision, weights.FileBytes));
        Assert.Equal(checkpoint.Decoder.Weights[1].MemoryBytes, weights.MemoryBytes);

        // Another model's weights beside the config.
        string config = Path.Combine(prepared, "config.json");
        JsonObject changed = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        changed["rms_norm_eps"] = 0.5;
        changed["num_hidden_layers"] = 3;
        File.WriteAllText(config, changed.ToJsonString());
        Assert.Contains("does not belong to the config.json", Assert.Single(TextModel.Inspect(prepared).Problems), StringComparison.Ordinal);

        Assert.SkipWhen(OperatingSystem.IsWindows(), "Links need rights there.");
        string link = _folder.File("link");
        Directory.CreateSymbolicLink(link, _model.Folder);
        Assert.Equal(checkpoint.Decoder.Parameters, TextModel.Inspect(link).Decoder!.Parameters);
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once_and_what_a_load_says_is_among_it()
    {
        _model.Config(("hidden_act", "swiglu"), ("rms_norm_eps", -1), ("eos_token_id", "two"));
        _model.Tensors(tensor => tensor.Name.Contains("layers.1.mlp", StringComparison.Ordinal) ? null : tensor);
        _model.Write("tokenizer.json", "{ \"model\": ");
        _model.Write("generation_config.json", "[]");
        ToolRun run = ToolRun.Of("info", "--model", _model.Folder, "--json");

        Assert.Equal(1, run.ExitCode);
        string[] problems = [.. run.Json.GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()!)];
        Assert.All(["hidden_act", "rms_norm_eps", "eos_token_id", "tokenizer.json", "generation_config.json"], part => Assert.Contains(problems, problem => problem.Contains(part, StringComparison.Ordinal)));
        Assert.Equal(problems.Distinct(), problems);
        SpecDecodeException refused = Assert.ThrowsAny<SpecDecodeException>(() => PlainModel.Load(_model.Folder, new ModelOptions { CacheFolder = _model.Cache }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Contains(refused.Message, problems);

        string text = ToolRun.Of("info", "--model", _model.Folder).Output;
        Assert.All(problems, problem => Assert.Contains($"- {problem}", text, StringComparison.Ordinal));
    }

    [Fact]
    public void All_tensors_that_are_missing_are_said_up_to_a_number()
    {
        _model.Tensors(tensor => tensor.Name.Contains("layers.1.mlp", StringComparison.Ordinal) || tensor.Name == "model.norm.weight" ? null : tensor);
        ModelSummary some = TextModel.Inspect(_model.Folder);
        Assert.Equal(4, some.Problems.Count);
        Assert.Contains(some.Problems, problem => problem.Contains("model.norm.weight", StringComparison.Ordinal));

        _model.Config(("num_hidden_layers", 2_000_000_000));
        ModelSummary all = TextModel.Inspect(_model.Folder);
        Assert.InRange(all.Problems.Count, 13, 13);
        Assert.Contains(all.Warnings, warning => warning.Contains("not looked at", StringComparison.Ordinal));
    }

    [Fact]
    public void All_shards_that_are_missing_are_said()
    {
        using FixtureCheckpoint model = new("llama_rope3_sharded");
        string[] shards = Directory.GetFiles(model.Folder, "*.safetensors");
        Array.ForEach(shards, File.Delete);
        ModelSummary summary = TextModel.Inspect(model.Folder);
        Assert.All(shards, shard => Assert.Contains(summary.Problems, problem => problem.StartsWith(shard, StringComparison.Ordinal)));
        Assert.Null(summary.Decoder);
        Assert.Equal("llama", summary.Family);
    }

    [Theory]
    [InlineData("model.gguf", "a GGUF file")]
    [InlineData("adapter_config.json", "belongs to an adapter")]
    [InlineData("pytorch_model.bin", "only safetensors are read")]
    public void Folders_of_other_forms_are_named(string file, string said)
    {
        File.WriteAllText(_folder.File(file), "{}");
        ToolRun run = ToolRun.Of("info", "--model", _folder.Path);
        Assert.Equal(1, run.ExitCode);
        Assert.Contains(said, run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_quantised_checkpoint_is_one_problem_and_a_family_that_is_unknown_another()
    {
        _model.Config(("quantization_config", new JsonObject { ["quant_method"] = "gptq" }));
        Assert.Contains("gptq", Assert.Single(TextModel.Inspect(_model.Folder).Problems), StringComparison.Ordinal);
        _model.Config(("quantization_config", null), ("model_type", "mamba\u001b[31m"));
        ToolRun run = ToolRun.Of("info", "--model", _model.Folder);
        Assert.Contains("a family that is not supported", run.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', run.Output);
    }

    [Fact]
    public void Templates_and_suggested_sampling_are_told_and_a_damaged_template_is_a_note()
    {
        _model.Write("chat_template.jinja", "{{ messages[0].content }}");
        _model.Write("generation_config.json", """{ "eos_token_id": [2, 7], "do_sample": true, "temperature": 0.6, "top_p": 0.9 }""");
        ToolRun run = ToolRun.Of("info", "--model", _model.Folder);
        Assert.Contains("template default, from chat_template.jinja", run.Output, StringComparison.Ordinal);
        Assert.Contains("--temperature 0.6 --top-p 0.9", run.Output, StringComparison.Ordinal);
        Assert.Equal([2, 7], TextModel.Inspect(_model.Folder).EndOfSequence);

        _model.Write("chat_template.jinja", "{% if %}");
        ModelSummary damaged = TextModel.Inspect(_model.Folder);
        Assert.True(damaged.CanLoad);
        Assert.Null(damaged.ChatTemplate);
        Assert.Contains(damaged.Warnings, warning => warning.Contains("chat_template.jinja", StringComparison.Ordinal));
    }

    [Fact]
    public void A_folder_of_seventy_billion_parameters_costs_no_more_than_its_headers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Files with holes are needed.");
        JsonObject header = [];
        long end = 0;
        void Add(string name, params long[] shape)
        {
            long length = 2 * shape.Aggregate(1L, (product, size) => product * size);
            header[name] = new JsonObject
            {
                ["dtype"] = "BF16", ["shape"] = new JsonArray([.. shape.Select(size => JsonValue.Create(size))]), ["data_offsets"] = new JsonArray(end, end + length),
            };
            end += length;
        }

        Add("model.embed_tokens.weight", 128_256, 8192);
        for (int i = 0; i < 80; i++)
        {
            string layer = $"model.layers.{i}.";
            Add(layer + "input_layernorm.weight", 8192);
            Add(layer + "self_attn.q_proj.weight", 8192, 8192);
            Add(layer + "self_attn.k_proj.weight", 1024, 8192);
            Add(layer + "self_attn.v_proj.weight", 1024, 8192);
            Add(layer + "self_attn.o_proj.weight", 8192, 8192);
            Add(layer + "post_attention_layernorm.weight", 8192);
            Add(layer + "mlp.gate_proj.weight", 28_672, 8192);
            Add(layer + "mlp.up_proj.weight", 28_672, 8192);
            Add(layer + "mlp.down_proj.weight", 8192, 28_672);
        }

        Add("model.norm.weight", 8192);
        Add("lm_head.weight", 128_256, 8192);
        byte[] json = JsonSerializer.SerializeToUtf8Bytes(header);
        using (FileStream file = File.Create(_folder.File("model.safetensors")))
        {
            file.Write(BitConverter.GetBytes((long)json.Length));
            file.Write(json);
            try
            {
                file.SetLength(8 + json.Length + end);
            }
            catch (IOException error)
            {
                Assert.Skip($"The file system has no files of this size: {error.Message}");
            }
        }

        File.WriteAllText(_folder.File("config.json"), """
            { "model_type": "llama", "hidden_size": 8192, "intermediate_size": 28672, "num_attention_heads": 64, "num_key_value_heads": 8,
              "num_hidden_layers": 80, "vocab_size": 128256, "max_position_embeddings": 131072, "rope_theta": 500000, "rms_norm_eps": 1e-5,
              "tie_word_embeddings": false, "eos_token_id": 128001,
              "rope_scaling": { "rope_type": "llama3", "factor": 8, "low_freq_factor": 1, "high_freq_factor": 4, "original_max_position_embeddings": 8192 } }
            """);
        long before = GC.GetAllocatedBytesForCurrentThread();
        ModelSummary summary = TextModel.Inspect(_folder.Path);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(summary.CanLoad, string.Join('\n', summary.Problems));
        Assert.Equal(70_553_706_496, summary.Decoder!.Parameters);
        Assert.Equal("llama3", summary.Decoder.RotaryScaling);
        Assert.Equal(2L * 80 * 8 * 128 * 4, summary.Decoder.KvBytesPerToken);
        Assert.InRange(allocated, 1, 64 << 20);
    }
}
