using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;
using SpecDecode.Kernels;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>
/// <c>specdecode.Product</c>: a <see cref="Kernels.Product"/> as a node of a graph. Inputs are rows <c>[rows, Inputs]</c> and, if any, what is added to
/// the result, <c>[rows, Outputs]</c>; weights come by way of the attribute that names the product (<see cref="ProductTable"/>). It runs on the
/// threads of the session.
/// </summary>
/// <remarks>
/// These functions are called by native code, through which no exception may pass: what fails becomes a status, with which the session's run ends.
/// </remarks>
internal static unsafe class ProductOperator
{
    /// <summary>Name of the operator.</summary>
    public const string OperatorName = "Product";

    /// <summary>Domain of the operator.</summary>
    public const string DomainName = "specdecode";

    /// <summary>Attribute with the product's number in the <see cref="ProductTable"/>.</summary>
    public const string NumberAttribute = "number";

    private const int FloatType = 1;
    private const int Required = 0;
    private const int Optional = 1;

    private static readonly Lazy<nint> Domain = new(CreateDomain);

    /// <summary>Lets sessions with these options run the operator.</summary>
    /// <param name="options">The options.</param>
    /// <exception cref="SpecDecodeException">The library of ONNX Runtime is too old for it.</exception>
    public static void Register(SessionOptions options)
    {
        OrtFunctions.AddDomain(options.DangerousGetHandle(), (void*)Domain.Value);
        GC.KeepAlive(options);
    }

    // Once for the process, and never freed: sessions may outlive whoever made them.
    private static nint CreateDomain()
    {
        CustomOperator* product = (CustomOperator*)NativeMemory.AllocZeroed((nuint)sizeof(CustomOperator));
        product->Version = CustomOperator.FirstVersion;
        product->Name = &Name;
        product->ExecutionProvider = &ExecutionProvider;
        product->InputType = &ElementType;
        product->InputCount = &InputCount;
        product->OutputType = &ElementType;
        product->OutputCount = &OutputCount;
        product->DestroyKernel = &DestroyKernel;
        product->InputCharacteristic = &InputCharacteristic;
        product->OutputCharacteristic = &OutputCharacteristic;
        product->InputMemoryType = &MemoryType;
        product->VariadicInputMinArity = &Nothing;
        product->VariadicInputHomogeneity = &Nothing;
        product->VariadicOutputMinArity = &Nothing;
        product->VariadicOutputHomogeneity = &Nothing;
        product->CreateKernel = &CreateKernel;
        product->Compute = &Compute;
        product->StartVersion = &FirstDomainVersion;
        product->EndVersion = &LastDomainVersion;
        void* domain = OrtFunctions.CreateDomain("specdecode\0"u8);
        OrtFunctions.AddOperator(domain, product);
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
    private static byte* Name(CustomOperator* product) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference("Product\0"u8));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte* ExecutionProvider(CustomOperator* product) => null;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int ElementType(CustomOperator* product, nuint index) => FloatType;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint InputCount(CustomOperator* product) => 2;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint OutputCount(CustomOperator* product) => 1;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InputCharacteristic(CustomOperator* product, nuint index) => index == 0 ? Required : Optional;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int OutputCharacteristic(CustomOperator* product, nuint index) => Required;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int MemoryType(CustomOperator* product, nuint index) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Nothing(CustomOperator* product) => 0;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FirstDomainVersion(CustomOperator* product) => 1;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LastDomainVersion(CustomOperator* product) => int.MaxValue;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* CreateKernel(CustomOperator* product, void* functions, void* node, void** kernel)
    {
        try
        {
            Product found = ProductTable.Find(OrtFunctions.Attribute(node, "number\0"u8));
            *kernel = (void*)GCHandle.ToIntPtr(GCHandle.Alloc(found));
            return null;
        }
        catch (Exception error)
        {
            return OrtFunctions.Failure(error.Message);
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void DestroyKernel(void* kernel) => GCHandle.FromIntPtr((nint)kernel).Free();

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Compute(void* kernel, void* context)
    {
        try
        {
            Product product = (Product)GCHandle.FromIntPtr((nint)kernel).Target!;
            void* input = OrtFunctions.Input(context, 0);
            void* residual = OrtFunctions.Input(context, 1);
            int rows = checked((int)(OrtFunctions.Bytes(input) / ((nuint)product.Inputs * sizeof(float))));
            long* dimensions = stackalloc long[2];
            dimensions[0] = rows;
            dimensions[1] = product.Outputs;
            void* output = OrtFunctions.Output(context, 0, dimensions, 2);
            product.Run(
                (float*)OrtFunctions.Data(input), rows, residual is null ? null : (float*)OrtFunctions.Data(residual), (float*)OrtFunctions.Data(output),
                new ParallelRun(&InParallel, context));
            return null;
        }
        catch (Exception error)
        {
            return OrtFunctions.Failure(error.Message);
        }
    }

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
