using System.Runtime.InteropServices;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>An operator as ONNX Runtime sees it: <c>OrtCustomOp</c> of its C interface, of a version whose functions return failures.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct CustomOperator
{
    /// <summary>The first version with <see cref="CreateKernel"/> and <see cref="Compute"/>, and with <see cref="StartVersion"/>, is 17.</summary>
    public const uint FirstVersion = 17;

    /// <summary>Of the interface.</summary>
    public uint Version;

    private readonly void* _createKernelBefore16;

    /// <summary>The operator's name.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, byte*> Name;

    /// <summary>Where it runs; null is the CPU.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, byte*> ExecutionProvider;

    /// <summary>What an input's elements are.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, nuint, int> InputType;

    /// <summary>How many inputs there are.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, nuint> InputCount;

    /// <summary>What an output's elements are.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, nuint, int> OutputType;

    /// <summary>How many outputs there are.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, nuint> OutputCount;

    private readonly void* _computeBefore16;

    /// <summary>Frees a kernel.</summary>
    public delegate* unmanaged[Cdecl]<void*, void> DestroyKernel;

    /// <summary>Whether an input may be left out.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, nuint, int> InputCharacteristic;

    /// <summary>Whether an output may be left out.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, nuint, int> OutputCharacteristic;

    /// <summary>Which kind of memory an input lies in.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, nuint, int> InputMemoryType;

    /// <summary>Fewest values of an input that is several; the next three are likewise of no use here, but called.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, int> VariadicInputMinArity;

    /// <summary>Whether they are of one type.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, int> VariadicInputHomogeneity;

    /// <summary>The same of outputs.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, int> VariadicOutputMinArity;

    /// <summary>The same of outputs.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, int> VariadicOutputHomogeneity;

    /// <summary>Makes the kernel of a node: operator, functions, node, takes the kernel. Returns a failure, or null.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, void*, void*, void**, void*> CreateKernel;

    /// <summary>Runs a kernel: kernel, context. Returns a failure, or null.</summary>
    public delegate* unmanaged[Cdecl]<void*, void*, void*> Compute;

    private readonly void* _inferShape;

    /// <summary>The first version of the operator's domain that has it.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, int> StartVersion;

    /// <summary>The last version of the operator's domain that has it.</summary>
    public delegate* unmanaged[Cdecl]<CustomOperator*, int> EndVersion;

    private readonly void* _mayInplace;
    private readonly void* _releaseMayInplace;
    private readonly void* _aliasMap;
    private readonly void* _releaseAliasMap;
}
