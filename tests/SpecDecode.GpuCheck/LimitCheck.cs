using SpecDecode.Drafting;
using SpecDecode.Generation;

namespace SpecDecode.GpuCheck;

/// <summary>A limit of the device's memory that no model fits in ends with a sentence.</summary>
internal static class LimitCheck
{
    public static void Run(Subject subject, string folder, Report report)
    {
        report.Section("Limits");
        try
        {
            using TextModel model = subject.Load(folder, new Setup(ComputePrecision.Fp16), memory: 1);
            model.Generate(new GenerationRequest { Prompt = Prompts.All[0], MaxTokens = 4, Drafting = DraftingOptions.None });
            report.Check($"- 1 MB of device memory: a text was written. **failed**", passed: false);
        }
        catch (SpecDecodeException error)
        {
            report.Check($"- 1 MB of device memory: {error.Message}", passed: true);
        }
    }
}
