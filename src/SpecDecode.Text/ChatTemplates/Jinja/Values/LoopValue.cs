using SpecDecode.ChatTemplates.Jinja.Runtime;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>
/// The <c>loop</c> of a <c>for</c>. It looks ahead only when it is asked what comes, so that a filter of the loop is
/// evaluated when Jinja2 would.
/// </summary>
internal sealed class LoopValue : ICallable
{
    private static readonly object Nothing = new();

    private readonly Meter _meter;
    private readonly Func<object?, int, string>? _recurse;
    private readonly int _depth0;
    private IEnumerator<object?> _items;
    private int? _length;
    private int _index0 = -1;
    private object? _before = Nothing;
    private object? _current = Nothing;
    private object? _after = Nothing;
    private object? _changed = Nothing;

    /// <param name="meter">Counts the elements.</param>
    /// <param name="iterable">What is gone through.</param>
    /// <param name="recurse">Renders the loop's body over something else, one level deeper; null unless it is recursive.</param>
    /// <param name="depth0">The level, from 0.</param>
    public LoopValue(Meter meter, object? iterable, Func<object?, int, string>? recurse, int depth0)
    {
        _meter = meter;
        _items = Sequences.Iterate(meter, iterable).GetEnumerator();
        _length = iterable is IteratorValue or LoopValue || Text.Is(iterable) ? null : Sequences.TryLength(iterable);
        _recurse = recurse;
        _depth0 = depth0;
    }

    public string Name => "loop";

    public int Index => _index0 + 1;

    public int Length
    {
        get
        {
            if (_length is null)
            {
                int ahead = _after == Nothing ? 0 : 1;
                List<object?> rest = [];
                MemoryAccount.Mark begin = _meter.Memory.Now;
                while (_items.MoveNext())
                {
                    _meter.AllocateItems(1);
                    rest.Add(_items.Current);
                }

                _meter.Memory.KeepMade(begin);
                _items = rest.GetEnumerator();
                _length = rest.Count + Index + ahead;
            }

            return _length.Value;
        }
    }

    /// <summary>Goes on.</summary>
    /// <returns>Whether there is another element.</returns>
    public bool Next(out object? item)
    {
        item = Ahead();
        if (item == Nothing)
        {
            item = null;
            return false;
        }

        _after = Nothing;
        _index0++;
        _before = _current;
        _current = item;
        return true;
    }

    /// <summary>An attribute, or null.</summary>
    public object? Property(string name) => name switch
    {
        "index" => (long)Index,
        "index0" => (long)_index0,
        "revindex" => (long)(Length - _index0),
        "revindex0" => (long)(Length - Index),
        "first" => _index0 == 0,
        "last" => Ahead() == Nothing,
        "length" => (long)Length,
        "depth" => (long)(_depth0 + 1),
        "depth0" => (long)_depth0,
        _ => null,
    };

    /// <summary>The element before or behind, which unlike other attributes may be None.</summary>
    public object? Neighbour(bool next)
    {
        if (next)
        {
            object? after = Ahead();
            return after == Nothing ? Undefined.Because("there is no next item") : after;
        }

        return _index0 == 0 ? Undefined.Because("there is no previous item") : _before;
    }

    public object? Cycle(IReadOnlyList<object?> items) => items.Count > 0 ? items[_index0 % items.Count]
        : throw TemplateError.Type("no items for cycling given");

    /// <summary>Whether the values differ from those of the last call.</summary>
    public bool Changed(TupleValue values)
    {
        if (_changed is TupleValue last && Comparison.AreEqual(_meter, last, values))
        {
            return false;
        }

        _meter.Memory.Escape();
        _changed = values;
        return true;
    }

    public object? Call(Run run, Arguments arguments)
    {
        if (_recurse is null)
        {
            throw TemplateError.Type("The loop must have the 'recursive' marker to be called recursively.");
        }

        return arguments is { Positional: [var iterable], Named: [] } ? _recurse(iterable, _depth0 + 1)
            : throw TemplateError.Type("loop() takes one argument: what to go through");
    }

    // Kept, so that looking does not lose it.
    private object? Ahead()
    {
        if (_after == Nothing && _items.MoveNext())
        {
            _after = _items.Current;
        }

        return _after;
    }
}
