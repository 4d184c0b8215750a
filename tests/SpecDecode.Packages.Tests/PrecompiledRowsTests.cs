using System.Runtime.InteropServices;

namespace SpecDecode.Tests.Packages;

/// <summary>
/// Code that was compiled ahead of time, for the least processor of its kind, gives way to code for the processor at hand while it runs. A
/// text goes on with the rows that it began with only if both compute the same, bit for bit.
/// </summary>
public sealed class PrecompiledRowsTests(PackedFeed feed) : IDisposable
{
    // Alone among compiled code, what is there ahead of time stays; without it all is compiled for the processor.
    private const string NeverAgain = "DOTNET_TieredCompilation=0";
    private const string NothingAhead = "DOTNET_ReadyToRun=0";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Precompiled_code_computes_the_same_bits_as_code_for_the_processor()
    {
        string runtime = RuntimeInformation.RuntimeIdentifier;
        Assert.SkipUnless(PrecompiledCode.Runtimes.Contains(runtime), $"Packages hold no code for {runtime}.");
        feed.Open("SpecDecode.Tool").Extract($"tools/net10.0/{runtime}/", _folder.Path);

        string[] row = ["logits", "--precision", "int4", "--tokens", "1,5,9,200,33,7,7,1000,20,31,44"];
        string[] sampled = ["generate", "--precision", "fp32", "--prompt", "Once", "--max-tokens", "60", "--temperature", "0.9", "--top-p", "0.95", "--seed", "5", "--quiet"];
        foreach (string[] processor in (string[][])[[], ["DOTNET_EnableAVX512=0"], ["DOTNET_EnableAVX2=0"]])
        {
            foreach (string[] words in (string[][])[row, sampled])
            {
                string ahead = await RunAsync([.. processor, NeverAgain], words);
                Assert.NotEmpty(ahead);
                Assert.Equal(await RunAsync([.. processor, NeverAgain, NothingAhead], words), ahead);
            }
        }
    }

    private async Task<string> RunAsync(string[] environment, string[] words) => (await ChildProcess.RunAsync(
        TestFolders.Repository, "env",
        [.. environment, "dotnet", _folder.File("SpecDecode.Tool.dll"), .. words, "--model", "samples/models/tales-10m", "--cache-folder", _folder.File("weights")])).Succeeded();
}
