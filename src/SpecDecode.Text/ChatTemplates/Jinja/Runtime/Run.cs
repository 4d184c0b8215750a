namespace SpecDecode.ChatTemplates.Jinja.Runtime;

/// <summary>One rendering.</summary>
internal sealed class Run(Meter meter, IReadOnlyDictionary<string, object?> variables, DateTimeOffset now)
{
    public Meter Meter => meter;

    /// <summary>What <c>strftime_now</c> says.</summary>
    public DateTimeOffset Now => now;

    /// <summary>What the caller passed, and beneath it the globals of Jinja and of chat templates.</summary>
    public bool TryResolve(string name, out object? value) =>
        variables.TryGetValue(name, out value) || Builtins.Globals.TryGet(name, out value);
}
