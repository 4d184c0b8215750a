using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Kernels;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>The domain of this library's operators: <see cref="ProductOperator"/> and <see cref="AttentionOperator"/>.</summary>
/// <remarks>
/// Operators' functions are called by native code, through which no exception may pass: what fails becomes a status, with which the session's run ends.
/// </remarks>
internal static unsafe class OperatorDomain
{
    /// <summary>Name of the domain.</summary>
    public const string Name = "specdecode";

    /// <summary>Attribute with a kernel's number in its <see cref="KernelTable{TKernel}"/>.</summary>
    public const string NumberAttribute = "number";

    /// <summary>The type of inputs and outputs of float32, as ONNX numbers it.</summary>
    public const int FloatType = 1;

    /// <summary>The type of inputs of int32.</summary>
    public const int Int32Type = 6;

    /// <summary>An input or output that is always there.</summary>
    public const int Required = 0;

    /// <summary>An input that may be left out.</summary>
    public const int Optional = 1;

    private static readonly Lazy<nint> Domain = new(Create);

    /// <summary>Lets sessions with these options run the operators.</summary>
    /// <param name="options">The options.</param>
    /// <exception cref="SpecDecodeException">The library of ONNX Runtime is too old for it.</exception>
    public static void Register(SessionOptions options)
    {
        OrtFunctions.AddDomain(options.DangerousGetHandle(), (void*)Domain.Value);
        GC.KeepAlive(options);
    }

    /// <summary>An operator on the CPU of which all inputs and outputs are required floats, until it says otherwise; it lives as long as the process.</summary>
    public static CustomOperator* NewOperator()
    {
        CustomOperator* custom = (CustomOperator*)NativeMemory.AllocZeroed((nuint)sizeof(CustomOperator));
        custom->Version = CustomOperator.FirstVersion;
        custom->ExecutionProvider = &ExecutionProvider;
        custom->InputType = &Float;
        custom->OutputType = &Float;
        custom->OutputCount = &One;
        custom->DestroyKernel = &DestroyKernel;
        custom->InputCharacteristic = &AlwaysThere;
        custom->OutputCharacteristic = &AlwaysThere;
        custom->InputMemoryType = &MemoryType;
        custom->VariadicInputMinArity = &Nothing;
        custom->VariadicInputHomogeneity = &Nothing;
        custom->VariadicOutputMinArity = &Nothing;
        custom->VariadicOutputHomogeneity = &Nothing;
        custom->StartVersion = &FirstDomainVersion;
        custom->EndVersion = &LastDomainVersion;
        return custom;
    }

    /// <summary>Makes a node's kernel of what its attribute names.</summary>
    /// <returns>Null, or why it cannot.</returns>
    public static void* CreateKernel<TKernel>(void* node, void** kernel)
        where TKernel : class
    {
        try
        {
            *kernel = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(KernelTable<TKernel>.Find(OrtFunctions.Attribute(node, "number\0"u8))));
            return null;
        }
        catch (Exception error)
        {
            return OrtFunctions.Failure(error.Message);
        }
    }

    /// <summary>What <see cref="CreateKernel{TKernel}"/> found.</summary>
    public static TKernel Kernel<TKernel>(void* kernel)
        where TKernel : class => (TKernel)GCHandle.FromIntPtr((nint)kernel).Target!;

    /// <summary>The threads of the session that runs a node.</summary>
    /// <param name="context">The node's.</param>
    public static ParallelRun Threads(void* context) => new(&InParallel, context);

    // Once for the process, and never freed: sessions may outlive whoever made them.
    private static nint Create()
    {
        void* domain = OrtFunctions.CreateDomain("specdecode\0"u8);
        OrtFunctions.AddOperator(domain, ProductOperator.Create());
        OrtFunctions.AddOperator(domain, AttentionOperator.Create());
        Introduce(domain);
        return (nint)domain;
    }

    // ONNX Runtime enters a domain into a list of the process when the first session that knows it is made; of several that are made at once, all but
    // one find it there and fail. So one is made alone.
    private static void Introduce(void* domain)
    {
        using SessionOptions options = new() { IntraOpNumThreads = 1, InterOpNumThreads = 1 };
        OrtFunctions.AddDomain(options.DangerousGetHandle(), domain);
        using InferenceSession first = new(ProbeGraph.Build(), options);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte* ExecutionProvider(CustomOperator* custom) => null;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Float(CustomOperator* custom, nuint index) => FloatType;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint One(CustomOperator* custom) => 1;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int AlwaysThere(CustomOperator* custom, nuint index) => Required;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MemoryType(CustomOperator* custom, nuint index) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Nothing(CustomOperator* custom) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FirstDomainVersion(CustomOperator* custom) => 1;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LastDomainVersion(CustomOperator* custom) => int.MaxValue;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void DestroyKernel(void* kernel) => GCHandle.FromIntPtr((nint)kernel).Free();

    private static void InParallel(void* context, delegate*<void*, nint, void> task, void* job, nint count)
    {
        NativeTask state = new() { Task = task, Job = job };
        OrtFunctions.ParallelFor(context, &RunTask, (nuint)count, &state);
    }

    // Pure arithmetic on memory, so there is nothing to catch.
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void RunTask(void* state, nuint index) => ((NativeTask*)state)->Task(((NativeTask*)state)->Job, (nint)index);

    private struct NativeTask
    {
        public delegate*<void*, nint, void> Task;
        public void* Job;
    }
}
