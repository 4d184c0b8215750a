using System.Runtime.InteropServices;
using System.Text;

namespace SpecDecode.OnnxRuntime.Operators;

/// <summary>
/// Functions of ONNX Runtime's C interface that its C# binding does not have, for operators of one's own. The interface is a table of functions to
/// which later versions only append; the numbers are places in it (onnxruntime_c_api.h, 1.31).
/// </summary>
internal static unsafe partial class OrtFunctions
{
    // Of the newest function below, GetTensorSizeInBytes.
    private const uint ApiVersion = 23;

    private const int Fail = 1;

    private static readonly void** Table = Load();

    /// <summary>The table is there; throws where it is not.</summary>
    /// <exception cref="SpecDecodeException">The library that was loaded is older than these functions.</exception>
    public static void Check() => _ = Table;

    /// <summary>A domain for operators.</summary>
    /// <param name="name">Its name, which ends with a 0.</param>
    public static void* CreateDomain(ReadOnlySpan<byte> name)
    {
        void* domain;
        fixed (byte* text = name)
        {
            ThrowIfFailed(((delegate* unmanaged[Cdecl]<byte*, void**, void*>)Table[26])(text, &domain));
        }

        return domain;
    }

    /// <summary>Adds an operator to a domain; both stay where they are as long as the process lives.</summary>
    public static void AddOperator(void* domain, void* customOperator) =>
        ThrowIfFailed(((delegate* unmanaged[Cdecl]<void*, void*, void*>)Table[27])(domain, customOperator));

    /// <summary>Lets sessions made with these options use a domain's operators.</summary>
    public static void AddDomain(nint sessionOptions, void* domain) =>
        ThrowIfFailed(((delegate* unmanaged[Cdecl]<void*, void*, void*>)Table[28])((void*)sessionOptions, domain));

    /// <summary>A node's integer attribute.</summary>
    /// <param name="kernelInfo">The node.</param>
    /// <param name="name">The attribute's name, which ends with a 0.</param>
    public static long Attribute(void* kernelInfo, ReadOnlySpan<byte> name)
    {
        long value;
        fixed (byte* text = name)
        {
            ThrowIfFailed(((delegate* unmanaged[Cdecl]<void*, byte*, long*, void*>)Table[86])(kernelInfo, text, &value));
        }

        return value;
    }

    /// <summary>An input of a node that runs; null where it is left out.</summary>
    public static void* Input(void* context, nuint index)
    {
        void* value;
        ThrowIfFailed(((delegate* unmanaged[Cdecl]<void*, nuint, void**, void*>)Table[90])(context, index, &value));
        return value;
    }

    /// <summary>An output of a node that runs, of this shape.</summary>
    public static void* Output(void* context, nuint index, long* dimensions, nuint count)
    {
        void* value;
        ThrowIfFailed(((delegate* unmanaged[Cdecl]<void*, nuint, long*, nuint, void**, void*>)Table[91])(context, index, dimensions, count, &value));
        return value;
    }

    /// <summary>Where a tensor's elements are.</summary>
    public static void* Data(void* tensor)
    {
        void* data;
        ThrowIfFailed(((delegate* unmanaged[Cdecl]<void*, void**, void*>)Table[51])(tensor, &data));
        return data;
    }

    /// <summary>How many bytes they take.</summary>
    public static nuint Bytes(void* tensor)
    {
        nuint bytes;
        ThrowIfFailed(((delegate* unmanaged[Cdecl]<void*, nuint*, void*>)Table[318])(tensor, &bytes));
        return bytes;
    }

    /// <summary>Calls a function with 0 to <paramref name="total"/> − 1, on the threads of the session that runs.</summary>
    /// <param name="context">The node that runs.</param>
    /// <param name="function">The function.</param>
    /// <param name="total">How often it is called.</param>
    /// <param name="state">Handed to it.</param>
    public static void ParallelFor(void* context, delegate* unmanaged[Cdecl]<void*, nuint, void> function, nuint total, void* state) =>
        ThrowIfFailed(((delegate* unmanaged[Cdecl]<void*, delegate* unmanaged[Cdecl]<void*, nuint, void>, nuint, nuint, void*, void*>)Table[274])(
            context, function, total, total, state));

    /// <summary>A failure as ONNX Runtime takes it from an operator.</summary>
    public static void* Failure(string message)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(message + "\0"))
        {
            return ((delegate* unmanaged[Cdecl]<int, byte*, void*>)Table[0])(Fail, text);
        }
    }

    private static void ThrowIfFailed(void* status)
    {
        if (status is null)
        {
            return;
        }

        string message = Marshal.PtrToStringUTF8((nint)((delegate* unmanaged[Cdecl]<void*, byte*>)Table[2])(status)) ?? "";
        ((delegate* unmanaged[Cdecl]<void*, void>)Table[93])(status);
        throw new SpecDecodeException($"ONNX Runtime refuses an operator of this library: {message.Trim()}");
    }

    private static void** Load()
    {
        void** apiBase = GetApiBase();
        void* table = ((delegate* unmanaged[Cdecl]<uint, void*>)apiBase[0])(ApiVersion);
        return table is not null
            ? (void**)table
            : throw new SpecDecodeException("The ONNX Runtime library of this process is older than 1.23, which the kernels of this library need: reference a newer Microsoft.ML.OnnxRuntime.");
    }

    [LibraryImport("onnxruntime", EntryPoint = "OrtGetApiBase")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories | DllImportSearchPath.AssemblyDirectory)]
    private static partial void** GetApiBase();
}
