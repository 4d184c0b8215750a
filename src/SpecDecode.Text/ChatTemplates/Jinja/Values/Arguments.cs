namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>What a call passes: by place, then by name.</summary>
internal sealed record Arguments(IReadOnlyList<object?> Positional, IReadOnlyList<KeyValuePair<string, object?>> Named)
{
    public static Arguments None { get; } = new([], []);

    /// <summary>How many there are.</summary>
    public int Count => Positional.Count + Named.Count;

    /// <summary>The same behind another first one.</summary>
    public Arguments Behind(object? first) => new([first, .. Positional], Named);

    /// <summary>Without the first <paramref name="count"/> by place.</summary>
    public Arguments Skip(int count) => new([.. Positional.Skip(count)], Named);

    /// <summary>The value of a name.</summary>
    public bool TryGetNamed(string name, out object? value)
    {
        foreach ((string key, object? argument) in Named)
        {
            if (key == name)
            {
                value = argument;
                return true;
            }
        }

        value = null;
        return false;
    }
}
