using System.Numerics;
using SpecDecode.ChatTemplates.Jinja.Builtins;
using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>A value that can be called.</summary>
internal interface ICallable
{
    string Name { get; }

    object? Call(Run run, Arguments arguments);
}

/// <summary>A function of the engine: a global, a filter, a test, or a method whose first parameter is the value it is called on.</summary>
/// <param name="signature">Its name and parameters.</param>
/// <param name="body">What it does.</param>
/// <param name="looks">Whether it may look at the whole of a text that it works on without counting that itself.</param>
internal sealed class BuiltinFunction(Signature signature, Func<Run, BoundArguments, object?> body, bool looks = true) : ICallable
{
    public string Name => signature.Name;

    public object? Call(Run run, Arguments arguments)
    {
        Meter.EnsureStack();
        run.Meter.Work(1 + arguments.Count);
        if (looks)
        {
            CountLook(run.Meter, arguments);
        }

        MemoryAccount.Mark begin = run.Meter.Memory.Now;
        object? result = body(run, signature.Bind(arguments));
        if (result is null || Text.Is(result) || Number.Is(result))
        {
            // It holds nothing of what was made on the way to it.
            run.Meter.Memory.Release(begin);
            run.Meter.Memory.Make(result switch
            {
                _ when arguments.Positional.Count > 0 && ReferenceEquals(result, arguments.Positional[0]) => 0,
                _ when Text.TryGet(result, out string text) => text.Length * (long)sizeof(char),
                BigInteger => RenderLimits.IntegerBits / 8,
                _ => 0,
            });
        }

        return result;
    }

    private static void CountLook(Meter meter, Arguments arguments)
    {
        for (int i = 0; i < arguments.Positional.Count; i++)
        {
            // The first is what the function works on; the others may cost more than a look.
            if (Text.TryGet(arguments.Positional[i], out string text))
            {
                meter.Work(text.Length >> (i == 0 ? 5 : 3));
            }
        }

        foreach ((_, object? value) in arguments.Named)
        {
            meter.Work(Text.TryGet(value, out string text) ? text.Length >> 3 : 0);
        }
    }
}

/// <summary>A method together with the value that it was taken from.</summary>
internal sealed record BoundMethod(object Owner, BuiltinFunction Function) : ICallable
{
    public string Name => Function.Name;

    public object? Call(Run run, Arguments arguments) => Function.Call(run, arguments.Behind(Owner));
}
