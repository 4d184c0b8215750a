using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using SpecDecode.Kernels;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>
/// <c>specdecode.Product</c>: a <see cref="Kernels.Product"/> as a node of a graph. Inputs are rows <c>[rows, Inputs]</c> and, if any, what is added to
/// the result, <c>[rows, Outputs]</c>; weights come by way of the attribute that names the product. It runs on the threads of the session.
/// </summary>
internal static unsafe class ProductOperator
{
    /// <summary>Name of the operator.</summary>
    public const string OperatorName = "Product";

    /// <summary>The operator as ONNX Runtime takes it.</summary>
    public static CustomOperator* Create()
    {
        CustomOperator* product = OperatorDomain.NewOperator();
        product->Name = &Name;
        product->InputCount = &InputCount;
        product->InputCharacteristic = &InputCharacteristic;
        product->CreateKernel = &CreateKernel;
        product->Compute = &Compute;
        return product;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static byte* Name(CustomOperator* product) => (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference("Product\0"u8));

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nuint InputCount(CustomOperator* product) => 2;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int InputCharacteristic(CustomOperator* product, nuint index) => index == 0 ? OperatorDomain.Required : OperatorDomain.Optional;

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* CreateKernel(CustomOperator* product, void* functions, void* node, void** kernel) => OperatorDomain.CreateKernel<Product>(node, kernel);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void* Compute(void* kernel, void* context)
    {
        try
        {
            Product product = OperatorDomain.Kernel<Product>(kernel);
            void* input = OrtFunctions.Input(context, 0);
            void* residual = OrtFunctions.Input(context, 1);
            int rows = checked((int)(OrtFunctions.Bytes(input) / ((nuint)product.Inputs * sizeof(float))));
            long* dimensions = stackalloc long[2];
            dimensions[0] = rows;
            dimensions[1] = product.Outputs;
            void* output = OrtFunctions.Output(context, 0, dimensions, 2);
            product.Run(
                (float*)OrtFunctions.Data(input), rows, residual is null ? null : (float*)OrtFunctions.Data(residual), (float*)OrtFunctions.Data(output),
                OperatorDomain.Threads(context));
            return null;
        }
        catch (Exception error)
        {
            return OrtFunctions.Failure(error.Message);
        }
    }
}
