namespace SpecDecode.ChatTemplates.Jinja.Tree;

/// <summary>
/// Which names a scope reads and assigns, in which order. Jinja2 decides from that where a name comes from: one that a scope
/// assigns before it ever reads it is the scope's own from its beginning, and undefined until then, even if there is one of
/// the same name outside.
/// </summary>
internal sealed class Symbols
{
    private readonly Symbols? _parent;

    // The same scope up to an "if" of which this is a branch.
    private readonly Symbols? _before;

    // Whether each name known here is hidden at the scope's beginning.
    private readonly Dictionary<string, bool> _names = new(StringComparer.Ordinal);
    private readonly HashSet<string> _assigned = new(StringComparer.Ordinal);

    public Symbols(Symbols? parent) => _parent = parent;

    private Symbols(Symbols? parent, Symbols before) => (_parent, _before) = (parent, before);

    /// <summary>The names that are hidden at the beginning.</summary>
    public IReadOnlyList<string> AssignedLater => [.. _names.Where(name => name.Value).Select(name => name.Key)];

    public void Read(string name)
    {
        if (!IsKnown(name))
        {
            _names[name] = false;
        }
    }

    public void Assign(string name)
    {
        _assigned.Add(name);
        if (!IsKnownHere(name))
        {
            _names[name] = _parent?.IsKnown(name) != true;
        }
    }

    /// <summary>A name that has its value before the scope begins, such as a loop's target.</summary>
    public void Declare(string name)
    {
        _assigned.Add(name);
        _names[name] = false;
    }

    /// <summary>Goes through alternatives, of which each starts from what is known here; what they assign is not hidden.</summary>
    public void Branch(params ReadOnlySpan<Action<Symbols>> branches)
    {
        Symbols[] all = new Symbols[branches.Length];
        for (int i = 0; i < all.Length; i++)
        {
            all[i] = new Symbols(_parent, this);
            branches[i](all[i]);
        }

        foreach (Symbols branch in all)
        {
            foreach ((string name, bool hidden) in branch._names)
            {
                _names[name] = hidden;
            }
        }

        foreach (string name in all.SelectMany(branch => branch._assigned).Where(name => !IsAssigned(name)))
        {
            _names[name] = false;
        }

        foreach (Symbols branch in all)
        {
            _assigned.UnionWith(branch._assigned);
        }
    }

    private bool IsAssigned(string name) => _assigned.Contains(name) || _before?.IsAssigned(name) == true;

    private bool IsKnownHere(string name) => _names.ContainsKey(name) || _before?.IsKnownHere(name) == true;

    private bool IsKnown(string name) => IsKnownHere(name) || _parent?.IsKnown(name) == true;
}
