using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SpecDecode.Kernels.Attention;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>
/// <c>specdecode.PagedAttention</c>: a <see cref="Kernels.Attention.PagedAttention"/> as a node of a graph. Its inputs are those of
/// <c>com.microsoft.PagedAttention</c>, which has no CPU kernel, but for the pages themselves, which come by way of the attribute that names the kernel:
/// <list type="number">
/// <item>packed queries, keys and values <c>[rows, (Hq + 2 Hkv) · D]</c>, those of a sequence side by side;</item>
/// <item>the first row of each sequence and behind the last the number of rows, int32 <c>[sequences + 1]</c>; whatever follows is not looked at;</item>
/// <item>positions of each sequence before its rows, int32 <c>[sequences]</c>;</item>
/// <item>pages of each sequence, int32 <c>[sequences, pages]</c>;</item>
/// <item>the layer whose part of the pages it is, int32 <c>[1]</c>;</item>
/// <item>cosines and sines <c>[positions, D / 2]</c>, and where in them each sequence's position 0 is, int32 <c>[sequences]</c>; all three may be left out.</item>
/// </list>
/// The output is <c>[rows, Hq · D]</c>.
/// </summary>
internal static unsafe class AttentionOperator
{
    /// <summary>Name of the operator.</summary>
    public const string OperatorName = "PagedAttention";

    private const int Inputs = 8;
    private const int FirstOptional = 5;
    private const int Cosines = 5;
    private const int Sines = 6;

    /// <summary>The operator as ONNX Runtime takes it.</summary>
    public static CustomOperator* Create()
    {
        CustomOperator* attention = OperatorDomain.NewOperator();
        attention->Name = &Name;
        attention->InputCount = &InputCount;
        attention->InputType = &InputType;
        attention->InputCharacteristic = &InputCharacteristic;
        attention->CreateKernel = &CreateKernel;
        attention->Compute = &Compute;
        return attention;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte* Name(CustomOperator* attention) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference("PagedAttention\0"u8));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint InputCount(CustomOperator* attention) => Inputs;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InputType(CustomOperator* attention, nuint index) => index is 0 or Cosines or Sines ? OperatorDomain.FloatType : OperatorDomain.Int32Type;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InputCharacteristic(CustomOperator* attention, nuint index) => index < FirstOptional ? OperatorDomain.Required : OperatorDomain.Optional;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* CreateKernel(CustomOperator* attention, void* functions, void* node, void** kernel) =>
        OperatorDomain.CreateKernel<AttentionKernel>(node, kernel);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Compute(void* kernel, void* context)
    {
        try
        {
            AttentionKernel attention = OperatorDomain.Kernel<AttentionKernel>(kernel);
            void* packed = OrtFunctions.Input(context, 0);
            void* past = OrtFunctions.Input(context, 2);
            void* pages = OrtFunctions.Input(context, 3);
            void* cosines = OrtFunctions.Input(context, Cosines);
            int rows = checked((int)(OrtFunctions.Bytes(packed) / ((nuint)attention.Shape.PackedWidth * sizeof(float))));
            long* dimensions = stackalloc long[2];
            dimensions[0] = rows;
            dimensions[1] = attention.Shape.OutputWidth;
            int layer = *(int*)OrtFunctions.Data(OrtFunctions.Input(context, 4));
            AttentionRows job = new()
            {
                Packed = (float*)OrtFunctions.Data(packed),
                Output = (float*)OrtFunctions.Data(OrtFunctions.Output(context, 0, dimensions, 2)),
                Rows = rows,
                FirstRows = (int*)OrtFunctions.Data(OrtFunctions.Input(context, 1)),
                Past = (int*)OrtFunctions.Data(past),
                Pages = (int*)OrtFunctions.Data(pages),
                PageStride = (nint)(OrtFunctions.Bytes(pages) / OrtFunctions.Bytes(past)),
                Slabs = attention.Memory.Slabs,
                SlabShift = attention.Memory.SlabShift,
                PageBytes = (nint)attention.Memory.PageBytes,
                LayerOffset = attention.Memory.Offset(layer),
            };
            while (job.FirstRows[job.Sequences] < rows)
            {
                job.Sequences++;
            }

            if (cosines is not null)
            {
                job.Cosines = (float*)OrtFunctions.Data(cosines);
                job.Sines = (float*)OrtFunctions.Data(OrtFunctions.Input(context, Sines));
                job.RotaryStarts = (int*)OrtFunctions.Data(OrtFunctions.Input(context, 7));
            }

            attention.Attention.Run(job, OperatorDomain.Threads(context));
            return null;
        }
        catch (Exception error)
        {
            return OrtFunctions.Failure(error.Message);
        }
    }
}
