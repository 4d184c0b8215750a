using System.Runtime.CompilerServices;
using SpecDecode.OnnxRuntime;

namespace SpecDecode.Tests;

/// <summary>
/// Makes ONNX Runtime's environment before any test does so by the way: it belongs to the process, and without its one pool
/// every session of every test would have threads of its own.
/// </summary>
internal static class TestEnvironment
{
    // Classes run beside each other, and projects beside this one: a thread that spins for another one takes the processor from whoever it waits for.
    [ModuleInitializer]
    internal static void Make() => RuntimeEnvironment.Get(new RuntimeOptions { Spinning = false }, warn: _ => { });
}
