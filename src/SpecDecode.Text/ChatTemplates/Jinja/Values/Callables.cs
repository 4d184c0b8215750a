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
internal sealed class BuiltinFunction(Signature signature, Func<Run, BoundArguments, object?> body) : ICallable
{
    public string Name => signature.Name;

    public object? Call(Run run, Arguments arguments)
    {
        Meter.EnsureStack();
        run.Meter.Work(1 + arguments.Count);
        for (int i = 0; i < arguments.Positional.Count; i++)
        {
            // The first is what the function works on; the others may cost more than a look.
            if (Text.TryGet(arguments.Positional[i], out string text))
            {
                run.Meter.Work(text.Length >> (i == 0 ? 5 : 3));
            }
        }

        return body(run, signature.Bind(arguments));
    }
}

/// <summary>A method together with the value that it was taken from.</summary>
internal sealed record BoundMethod(object Owner, BuiltinFunction Function) : ICallable
{
    public string Name => Function.Name;

    public object? Call(Run run, Arguments arguments) => Function.Call(run, arguments.Behind(Owner));
}
