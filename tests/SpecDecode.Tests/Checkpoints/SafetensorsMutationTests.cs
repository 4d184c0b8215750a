using SpecDecode.Checkpoints;

namespace SpecDecode.Tests.Checkpoints;

public sealed class SafetensorsMutationTests
{
    [Fact]
    public void Two_thousand_mutations_of_a_file_either_open_or_throw_a_checkpoint_exception()
    {
        byte[] valid = new SafetensorsBuilder()
            .Metadata("format", "pt")
            .Floats("model.norm.weight", [2, 3], 1, 2, 3, 4, 5, 6)
            .Add("model.é.weight", "BF16", [1, 5], new byte[10])
            .Add("empty", "I64", [0], [])
            .Build(padding: 3);
        AssertOpensOrThrows(valid, 2_000, seed: 20_240_611, SafetensorsOpensOrThrows);
    }

    [Fact]
    public void Two_thousand_mutations_of_a_config_either_load_or_throw_a_checkpoint_exception()
    {
        byte[] valid = """
            {"hidden_size": 64, "rope_scaling": {"factor": 8.0, "type": "llama3"}, "eos_token_id": [1, 2],
             "tie_word_embeddings": true, "architectures": ["LlamaForCausalLM"], "name": "\u00e9\ud83d\ude00"}
            """u8.ToArray();
        AssertOpensOrThrows(valid, 2_000, seed: 7, path =>
        {
            var config = ConfigDocument.Load(path);
            config.PositiveInt("hidden_size");
            config.Object("rope_scaling")?.PositiveNumber("factor", 1);
            config.Object("rope_scaling")?.String("type", null);
            config.IntOrInts("eos_token_id");
            config.Bool("tie_word_embeddings", false);
            config.Strings("architectures");
            config.RequiredString("name");
        });
    }

    private static void SafetensorsOpensOrThrows(string path)
    {
        using var file = SafetensorsFile.Open(path);
        foreach (var tensor in file.Tensors.Values)
            Assert.Equal(tensor.Length, file.Bytes(tensor, 0, checked((int)tensor.Length)).Length);
    }

    private static void AssertOpensOrThrows(byte[] valid, int rounds, int seed, Action<string> open)
    {
        using var folder = new TemporaryFolder();
        open(folder.Write("mutant", valid));
        var random = new Random(seed);
        int opened = 0;
        int refused = 0;
        for (int round = 0; round < rounds; round++)
        {
            byte[] mutant = Mutate(valid, random);
            string path = folder.Write("mutant", mutant);
            try
            {
                open(path);
                opened++;
            }
            catch (CheckpointException)
            {
                refused++;
            }
            catch (Exception failure) when (failure is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"Round {round}: {failure}\n{Convert.ToBase64String(mutant)}");
            }
        }

        Assert.True(opened > 0 && refused > 0, $"{opened} opened, {refused} refused");
    }

    private static byte[] Mutate(byte[] valid, Random random)
    {
        var mutant = valid.ToList();
        for (int change = random.Next(1, 4); change > 0 && mutant.Count > 0; change--)
        {
            int place = random.Next(mutant.Count);
            switch (random.Next(7))
            {
                case 0:
                    mutant[place] = (byte)random.Next(256);
                    break;
                case 1:
                    mutant[place] ^= (byte)(1 << random.Next(8));
                    break;
                case 2:
                    mutant[place] = (byte)"0123456789-.eE\"\\{}[],:u"[random.Next(23)];
                    break;
                case 3:
                    mutant.Insert(place, (byte)"0123456789-.eE\"\\{}[],:u"[random.Next(23)]);
                    break;
                case 4:
                    mutant.RemoveAt(place);
                    break;
                case 5:
                    mutant.InsertRange(place, mutant.GetRange(place, Math.Min(mutant.Count - place, random.Next(1, 20))));
                    break;
                default:
                    mutant.RemoveRange(place, mutant.Count - place);
                    break;
            }
        }

        return [.. mutant];
    }
}
