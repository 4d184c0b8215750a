using System.Globalization;
using System.Runtime.InteropServices;

namespace SpecDecode.Peers;

/// <summary>What the processor is called and which vector instructions it has.</summary>
internal static class Machine
{
    private const string CpuInfo = "/proc/cpuinfo";

    // How the products' instructions begin: AVX and what came with it and after it, and their like on Arm.
    private static readonly string[] VectorFlags = ["avx", "fma", "f16c", "amx", "asimd", "sve", "sme", "i8mm", "bf16"];

    /// <summary>One line.</summary>
    public static string Describe()
    {
        string[] lines = File.Exists(CpuInfo) ? File.ReadAllLines(CpuInfo) : [];
        string name = Value(lines, "model name") ?? Environment.GetEnvironmentVariable("PROCESSOR_IDENTIFIER") ?? "a processor of no known name";
        string[] flags = (Value(lines, "flags") ?? Value(lines, "Features"))?.Split(' ') ?? FromRuntime();
        string vectors = string.Join(' ', flags.Where(IsVector).Distinct());
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{name}, {Environment.ProcessorCount} logical processors, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}; {(vectors.Length == 0 ? "no known vector instructions" : vectors)}");
    }

    private static bool IsVector(string flag) => VectorFlags.Any(start => flag.StartsWith(start, StringComparison.OrdinalIgnoreCase));

    // Where the system does not list them.
    private static string[] FromRuntime() =>
    [
        .. new (string Name, bool IsThere)[]
        {
            ("avx", System.Runtime.Intrinsics.X86.Avx.IsSupported),
            ("avx2", System.Runtime.Intrinsics.X86.Avx2.IsSupported),
            ("fma", System.Runtime.Intrinsics.X86.Fma.IsSupported),
            ("avx_vnni", System.Runtime.Intrinsics.X86.AvxVnni.IsSupported),
            ("avx512f", System.Runtime.Intrinsics.X86.Avx512F.IsSupported),
            ("avx512bw", System.Runtime.Intrinsics.X86.Avx512BW.IsSupported),
            ("asimd", System.Runtime.Intrinsics.Arm.AdvSimd.IsSupported),
            ("asimddp", System.Runtime.Intrinsics.Arm.Dp.IsSupported),
        }.Where(set => set.IsThere).Select(set => set.Name),
    ];

    private static string? Value(string[] lines, string key) =>
        lines.FirstOrDefault(line => line.Split(':')[0].Trim() == key)?.Split(':', 2)[1].Trim();
}
