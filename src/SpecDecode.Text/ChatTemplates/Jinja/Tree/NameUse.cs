namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>Collects which of a macro's special names its body reads: <c>caller</c>, <c>varargs</c>, <c>kwargs</c>.</summary>
internal sealed class NameUse
{
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);
    private readonly HashSet<string> _assigned = new(StringComparer.Ordinal);

    public bool Reads(string name) => _read.Contains(name);

    public void Read(string name)
    {
        if (!_assigned.Contains(name))
        {
            _read.Add(name);
        }
    }

    public void Assign(string name) => _assigned.Add(name);
}
