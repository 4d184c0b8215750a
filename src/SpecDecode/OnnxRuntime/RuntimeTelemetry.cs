using System.Runtime.InteropServices;

namespace SpecDecode.OnnxRuntime;

/// <summary>
/// ONNX Runtime's own usage telemetry, which its official builds queue under the user's cache directory and send, unless a variable
/// forbids it. The native library reads the variable when it comes up, from the environment of C, which .NET's own functions do not
/// change on Unix; so it is set there, and before the library's first call.
/// </summary>
internal static partial class RuntimeTelemetry
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";
    private const string On = "1";

    /// <summary>Whether the variable forbids it, whoever has set it.</summary>
    public static bool IsForbidden => OperatingSystem.IsWindows()
        ? Environment.GetEnvironmentVariable(Variable) == On
        : Marshal.PtrToStringUTF8(Unix.Get(Variable)) == On;

    /// <summary>Forbids it, for what uses ONNX Runtime in this process from now on.</summary>
    public static void Forbid()
    {
        if (OperatingSystem.IsWindows())
        {
            // The process's variables and the C library's copy of them.
            Environment.SetEnvironmentVariable(Variable, On);
            _ = Windows.Set(Variable, On);
        }
        else
        {
            _ = Unix.Set(Variable, On, overwrite: 1);
        }
    }

    private static partial class Unix
    {
        [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static partial int Set(string name, string value, int overwrite);

        [LibraryImport("libc", EntryPoint = "getenv", StringMarshalling = StringMarshalling.Utf8)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
        public static partial nint Get(string name);
    }

    private static partial class Windows
    {
        [LibraryImport("ucrtbase", EntryPoint = "_putenv_s", StringMarshalling = StringMarshalling.Utf8)]
        [DefaultDllImportSearchPaths(DllImportSearchPath.System32)]
        public static partial int Set(string name, string value);
    }
}
