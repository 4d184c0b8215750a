using System.Runtime.InteropServices;

namespace SpecDecode.Grammars.Automata;

/// <summary>
/// Runs a network over bytes: Earley's method, in which a rule's origin is a state and not a place in the text. So a state is all
/// that counts of the text before it, equal ones are one, and where a byte leads is worked out once.
/// </summary>
/// <remarks>
/// Thread-safe: what is known is read without a lock; what is not is made within one. When the table is full it is emptied, and
/// states that are still in use are entered again as they are gone through.
/// </remarks>
internal sealed class GrammarMachine
{
    /// <summary>The most items of all states in the table.</summary>
    public const int MaxItems = 1 << 21;

    /// <summary>The most items of a state.</summary>
    public const int MaxItemsOfState = 1 << 14;

    private const int FirstNumber = 1 << 15;

    // A state, where its classes of bytes lead and which of them lead to one place count as items too.
    private const long BytesOfItem = 32;

    private readonly RuleNetwork _network;
    private readonly int _maxItems;
    private readonly Lock _lock = new();
    private readonly Dictionary<StateKey, GrammarState> _table = [];
    private readonly List<StateItem> _items = [];
    private readonly HashSet<StateItem> _seen = [];
    private readonly Stack<StateItem> _pending = [];
    private readonly List<GrammarState> _holes = [];
    private readonly Dictionary<GrammarState, GrammarState> _holeOf = new(ReferenceEqualityComparer.Instance);
    private readonly int[] _classOf = new int[256];
    private int _nextNumber = FirstNumber;
    private int _itemsInTable;
    private volatile int _epoch = 1;
    private bool _mayEnd, _leaves;
    private GrammarState? _start;

    /// <param name="network">The network.</param>
    /// <param name="maxItems">The most items of all states in the table.</param>
    public GrammarMachine(RuleNetwork network, int maxItems = MaxItems)
    {
        _network = network;
        _maxItems = maxItems;
        for (int b = 0; b < 256; b++)
            _classOf[b] = network.Classes.OfBytes[b];
    }

    public RuleNetwork Network => _network;

    /// <summary>Held while states are made; whoever makes many takes it first.</summary>
    public Lock Lock => _lock;

    /// <summary>How many items have been looked at for new states, ever.</summary>
    public long Work { get; private set; }

    /// <summary>How many bytes the table takes, about.</summary>
    public long Bytes => BytesOfItem * Volatile.Read(ref _itemsInTable);

    /// <summary>Which table is in use; states of other ones know nothing of what follows.</summary>
    public int Epoch => _epoch;

    /// <summary>The state of the empty text.</summary>
    public GrammarState Start
    {
        get
        {
            if (Volatile.Read(ref _start) is { } start && start.Epoch == _epoch)
                return start;
            lock (_lock)
            {
                Add(new(_network.Rules[0].Start, 0, 0, GrammarState.Bottom));
                return _start = Finish();
            }
        }
    }

    /// <summary>Where a byte leads; <see cref="GrammarState.Dead"/> where it may not follow.</summary>
    /// <exception cref="GrammarException">The grammar has too many readings of the text.</exception>
    public GrammarState Step(GrammarState state, byte value)
    {
        if (state.Items.Length == 0)
            return GrammarState.Dead;
        int byteClass = _classOf[value];
        return state.Epoch == _epoch && state.Next(byteClass) is { } next ? next : Make(state, byteClass);
    }

    /// <summary>The same state in the table that is in use.</summary>
    public GrammarState Renew(GrammarState state)
    {
        if (state.Epoch == _epoch || state.Items.Length == 0)
            return state;
        lock (_lock)
        {
            _items.AddRange(state.Items);
            (_mayEnd, _leaves) = (state.MayEnd, state.Leaves);
            return Finish();
        }
    }

    /// <summary>
    /// The outline of a state: its origins, unless they are the bottom, become holes, and counters that are far from their bounds are
    /// set to one value. Tokens shorter than a reach that are accepted in the outline are accepted in the state; those that are
    /// refused without leaving it are refused.
    /// </summary>
    /// <param name="state">The state.</param>
    /// <param name="reach">How many rounds from a bound a counter is far.</param>
    public GrammarState OutlineOf(GrammarState state, int reach)
    {
        if (state.Outline is { } known && known.Epoch == _epoch)
            return known;
        lock (_lock)
        {
            if (state.Epoch == _epoch && IsOutline(state, reach))
                return state.Outline = state;
            _holeOf.Clear();
            foreach (var item in state.Items)
            {
                // Predicted items follow from the others.
                if (item.Origin is not { } origin)
                    continue;
                Add(item with { Register = Far(item, reach), Origin = origin == GrammarState.Bottom ? origin : HoleFor(origin) });
            }
            _mayEnd = state.MayEnd;
            _leaves = false;
            return state.Outline = Finish();
        }
    }

    /// <summary>The bytes that may follow.</summary>
    /// <returns>How many, no further than two; the first one in <paramref name="first"/>.</returns>
    public int CountNext(GrammarState state, out byte first)
    {
        int low = -1;
        foreach (var item in state.Items)
        {
            foreach (var edge in _network.Nodes[item.Node].Bytes)
            {
                if (edge.From != edge.To || (low >= 0 && low != edge.From))
                {
                    first = edge.From;
                    return 2;
                }
                low = edge.From;
            }
        }
        first = (byte)Math.Max(0, low);
        return low < 0 ? 0 : 1;
    }

    private bool IsOutline(GrammarState state, int reach)
    {
        foreach (var item in state.Items)
        {
            if (item.Origin is { } origin && (origin != GrammarState.Bottom || Far(item, reach) != item.Register))
                return false;
        }
        return true;
    }

    // The hole that stands for an origin: the first origin's is the first one, and so on.
    private GrammarState HoleFor(GrammarState origin)
    {
        if (_holeOf.TryGetValue(origin, out var known))
            return known;
        int number = _holeOf.Count;
        while (_holes.Count <= number)
            _holes.Add(GrammarState.Hole(_holes.Count));
        _holeOf.Add(origin, _holes[number]);
        return _holes[number];
    }

    private GrammarState Make(GrammarState state, int byteClass)
    {
        lock (_lock)
        {
            state = Renew(state);
            if (state.Next(byteClass) is { } known)
                return known;
            // All bytes that the same edges take lead to the same state: those between the nearest borders of edges.
            int value = _network.Classes.First(byteClass), lowest = 0, highest = 255;
            foreach (var item in state.Items)
            {
                foreach (var edge in _network.Nodes[item.Node].Bytes)
                {
                    if (edge.To < value)
                    {
                        lowest = Math.Max(lowest, edge.To + 1);
                    }
                    else if (edge.From > value)
                    {
                        highest = Math.Min(highest, edge.From - 1);
                    }
                    else
                    {
                        (lowest, highest) = (Math.Max(lowest, edge.From), Math.Min(highest, edge.To));
                        Add(item with { Node = edge.Target, Origin = item.Origin ?? state });
                    }
                }
            }
            var next = Finish();
            for (int i = _classOf[lowest]; i <= _classOf[highest]; i++)
                state.SetNext(i, next);
            return next;
        }
    }

    // Adds an item and all that follows from it without a byte.
    private void Add(StateItem first)
    {
        _pending.Push(first);
        while (_pending.TryPop(out var item))
        {
            if (!_seen.Add(item))
                continue;
            Work++;
            if (_seen.Count > MaxItemsOfState)
            {
                Clear();
                throw new GrammarException(
                    $"The grammar can be read in more than {MaxItemsOfState} ways at one place of the text; make its choices differ earlier.");
            }
            ref readonly var node = ref _network.Nodes[item.Node];
            if (node.Waits)
                _items.Add(item);
            foreach (var edge in node.Free)
            {
                if (Act(edge, item.Register, out ulong register))
                    _pending.Push(item with { Node = edge.Target, Register = register });
            }
            if (node.IsEnd)
                Complete(item);
            foreach (var call in node.Calls)
            {
                var rule = _network.Rules[call.Rule];
                if (rule.CanBeEmpty)
                    _pending.Push(item with { Node = call.Target });
                // Where nothing follows the call, the called rule's end is the end of this one.
                _pending.Push(IsTail(call.Target)
                    ? new(rule.Start, item.Rule, 0, item.Origin)
                    : new(rule.Start, call.Rule, 0, null));
            }
        }
    }

    private bool IsTail(int node) => _network.Nodes[node].IsEnd;

    private void Complete(StateItem item)
    {
        // What ends in the state that it began in is empty, which its caller knows.
        if (item.Origin is not { } origin)
            return;
        if (origin == GrammarState.Bottom)
            _mayEnd = true;
        else if (origin.IsHole)
            _leaves = true;
        foreach (var waiting in origin.Items)
        {
            foreach (var call in _network.Nodes[waiting.Node].Calls)
            {
                if (call.Rule == item.Rule)
                    _pending.Push(waiting with { Node = call.Target, Origin = waiting.Origin ?? origin });
            }
        }
    }

    private static bool Act(FreeEdge edge, ulong register, out ulong result)
    {
        result = register;
        switch (edge.Action)
        {
            case RegisterAction.Reset:
                result = 0;
                return true;
            case RegisterAction.Below:
                return register < edge.Bound;
            case RegisterAction.Count:
                result = Math.Min(register + 1, edge.Bound);
                return true;
            case RegisterAction.AtLeast:
                result = 0;
                return register >= edge.Bound;
            case RegisterAction.From:
                return register >= edge.Bound;
            case RegisterAction.Lacks:
                return (register & edge.Bound) != edge.Bound;
            case RegisterAction.Take:
                result = register | 1UL << (int)edge.Bound;
                return (register >> (int)edge.Bound & 1) == 0;
            case RegisterAction.Has:
                result = 0;
                return (register & edge.Bound) == edge.Bound;
            default:
                return true;
        }
    }

    // A counter that no token can bring to a bound is as good as any other such one.
    private ulong Far(StateItem item, int reach)
    {
        int number = _network.Nodes[item.Node].Loop;
        if (number < 0)
            return item.Register;
        var (min, max) = _network.Loops[number];
        if (item.Register + (ulong)reach < (ulong)min)
            return 0;
        return item.Register >= (ulong)min && max >= 0 && item.Register + (ulong)reach < (ulong)max ? (ulong)min : item.Register;
    }

    // Makes the state of what was added, or finds it.
    private GrammarState Finish()
    {
        if (_items.Count == 0 && !_mayEnd && !_leaves)
        {
            Clear();
            return GrammarState.Dead;
        }
        _items.Sort(static (a, b) =>
        {
            int order = a.Node.CompareTo(b.Node);
            if (order == 0)
                order = a.Rule.CompareTo(b.Rule);
            if (order == 0)
                order = a.Register.CompareTo(b.Register);
            return order != 0 ? order : (a.Origin?.Number ?? -1).CompareTo(b.Origin?.Number ?? -1);
        });
        if (_itemsInTable > _maxItems)
        {
            _table.Clear();
            _itemsInTable = 0;
            _epoch++;
        }
        var key = new StateKey([.. _items], _mayEnd, _leaves);
        ref var state = ref CollectionsMarshal.GetValueRefOrAddDefault(_table, key, out bool known);
        if (!known)
        {
            _itemsInTable += key.Items.Length + 7 + _network.Classes.Count / 4;
            bool counts = key.Items.Any(item => item.Origin is not null && _network.Nodes[item.Node].Loop >= 0);
            state = new(_nextNumber++, _epoch, key.Items, _mayEnd, _leaves, counts, key.Items.Length == 0 ? 0 : _network.Classes.Count);
        }
        Clear();
        return state!;
    }

    private void Clear()
    {
        _items.Clear();
        _seen.Clear();
        _pending.Clear();
        (_mayEnd, _leaves) = (false, false);
    }
}
