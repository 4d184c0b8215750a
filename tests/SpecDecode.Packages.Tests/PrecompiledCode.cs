using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using Processor = System.Reflection.PortableExecutable.Machine;

namespace SpecDecode.Tests.Packages;

/// <summary>What an assembly file is: its name and identity, and the processor and system that it holds code for.</summary>
/// <param name="Name">The assembly's name.</param>
/// <param name="Module">The identity of its IL, which code for a processor is compiled from and which keeps it.</param>
/// <param name="Machine">The machine's number; null where the file is IL alone.</param>
internal sealed record PrecompiledCode(string Name, Guid Module, int? Machine)
{
    /// <summary>The runtimes that packages hold code for.</summary>
    public static IReadOnlyList<string> Runtimes { get; } = ["linux-arm64", "linux-x64", "osx-arm64", "win-x64"];

    /// <summary>Reads a file.</summary>
    public static PrecompiledCode Read(byte[] file)
    {
        using PEReader reader = new([.. file]);
        MetadataReader metadata = reader.GetMetadataReader();
        bool hasCode = reader.PEHeaders.CorHeader!.ManagedNativeHeaderDirectory.Size > 0;
        return new PrecompiledCode(
            metadata.GetString(metadata.GetAssemblyDefinition().Name), metadata.GetGuid(metadata.GetModuleDefinition().Mvid),
            hasCode ? (int)reader.PEHeaders.CoffHeader.Machine : null);
    }

    /// <summary>The machine's number of a runtime: that of the processor, with a mark for systems other than Windows.</summary>
    public static int MachineOf(string runtime) =>
        (runtime.EndsWith("-x64", StringComparison.Ordinal) ? (int)Processor.Amd64 : (int)Processor.Arm64)
        ^ (runtime.Split('-')[0] switch
        {
            "linux" => 0x7B79,
            "osx" => 0x4644,
            "win" => 0,
            _ => throw new ArgumentOutOfRangeException(nameof(runtime), runtime, "A runtime of a system that is not known here."),
        });
}
