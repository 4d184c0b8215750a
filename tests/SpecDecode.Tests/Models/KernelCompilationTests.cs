using SpecDecode.Descriptions;
using SpecDecode.Families;
using SpecDecode.Models;
using SpecDecode.Weights;

namespace SpecDecode.Tests.Models;

/// <summary>What is run to have kernels compiled runs through for every model, whatever its weights, keys and values are stored as.</summary>
public sealed class KernelCompilationTests
{
    [Fact]
    public async Task Kernels_of_every_model_are_compiled_beforehand()
    {
        string[] fixtures = ["llama_base", "gemma2", "qwen3_bias_head_24", "olmo2", "phi3_longrope_between", "gpt_neox"];
        foreach (string fixture in fixtures)
        {
            using ModelFolder folder = ModelFolder.Open(Path.Combine(TestFolders.Fixtures, fixture), new ModelOptions { Kernels = KernelChoice.Own });
            DecoderDescription model = ModelFamilies.Describe(folder.Checkpoint);
            foreach (Precision precision in Enum.GetValues<Precision>())
            {
                WeightSettings settings = folder.Settings with { Precision = precision, Head = precision.IsQuantized() ? Precision.Int8 : precision };
                foreach (ActivationPrecision activations in Enum.GetValues<ActivationPrecision>())
                {
                    foreach (KvPrecision keyValues in Enum.GetValues<KvPrecision>())
                    {
                        await KernelCompilation.Start(model, settings, draftHead: activations == ActivationPrecision.Int8 ? Precision.Int4 : null, activations, attends: true, keyValues);
                    }
                }
            }
        }
    }
}
