namespace SpecDecode.ChatTemplates.Jinja.Runtime;

/// <summary>
/// How much memory the values of one rendering hold, counted from above. What a statement or a scope has made is gone when
/// it ends, unless it may have got out: into a namespace, into what the template has written, or into an iterator.
/// </summary>
internal sealed class MemoryAccount(long limit)
{
    // What open statements and scopes have made, and how much of that may be held by something that outlives them.
    private long _made;
    private long _escaped;

    // What may be held until the end.
    private long _kept;
    private long _escapes;

    /// <summary>How much of what has been made so far is held, at a moment.</summary>
    /// <param name="Bytes">The amount.</param>
    /// <param name="Escapes">How many values had got out of their scopes by then.</param>
    public readonly record struct Mark(long Bytes, long Escapes);

    /// <summary>The beginning of a statement or scope, for <see cref="Release"/>.</summary>
    public Mark Now => new(_made, _escapes);

    /// <summary>Something is made that goes with the scope it is in.</summary>
    public void Make(long bytes)
    {
        _made += bytes;
        Check();
    }

    /// <summary>The last thing that was made is gone, or counted elsewhere.</summary>
    public void Unmake(long bytes) => _made -= bytes;

    /// <summary>Something is made, or held once more, that stays until it is given back.</summary>
    public void Keep(long bytes)
    {
        _kept += bytes;
        Check();
    }

    /// <summary>What <see cref="Keep"/> was told of is gone.</summary>
    public void GiveBack(long bytes) => _kept -= bytes;

    /// <summary>A value that may hold anything made so far is now held from outside of the scopes that are open.</summary>
    public void Escape()
    {
        _escaped = _made;
        _escapes++;
    }

    /// <summary>A statement or scope ends: what was made since is gone.</summary>
    /// <param name="since">Its beginning.</param>
    /// <param name="frame">Its variables, if it has some; macros that got out may still see them.</param>
    public void Release(Mark since, Frame? frame = null)
    {
        if (frame?.IsCaptured == true && _escapes > since.Escapes)
        {
            Escape();
        }

        _made = Math.Max(since.Bytes, _escaped);
    }

    /// <summary>What was made since belongs to something older than the scopes that are open, such as an iterator.</summary>
    public void KeepMade(Mark since)
    {
        _kept += _made - since.Bytes;
        _made = since.Bytes;
        _escaped = Math.Min(_escaped, _made);
    }

    private void Check()
    {
        if (_made + _kept > limit)
        {
            throw TemplateError.Limit($"the template holds more than {limit >> 20} MB of text and lists", nameof(ChatTemplateLimits.MaxMemoryBytes));
        }
    }
}
