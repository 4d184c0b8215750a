namespace SpecDecode.Tokenizers.Patterns;

/// <summary>What an instruction does.</summary>
internal enum PatternOperation
{
    /// <summary>Takes one code point of the set.</summary>
    Set,

    /// <summary>Takes <c>Min</c> to <c>Max</c> code points of the set, as many as it can; may give some back.</summary>
    Run,

    /// <summary>The same, as few as it can.</summary>
    LazyRun,

    /// <summary>The same, as many as it can; gives none back.</summary>
    PossessiveRun,

    /// <summary>Goes to <c>First</c>, and to <c>Second</c> if that fails. <c>Set</c>, if any, is what <c>First</c> can begin with.</summary>
    Split,

    /// <summary>Goes to <c>First</c>.</summary>
    Jump,

    /// <summary>The part at <c>First</c> has to match, once; goes on at <c>Second</c> behind it.</summary>
    Atomic,

    /// <summary>The part at <c>First</c> has to match here, or must not.</summary>
    Ahead,
    NotAhead,

    /// <summary>The part at <c>First</c>, of <c>Min</c> code points, has to match before this place, or must not.</summary>
    Behind,
    NotBehind,

    /// <summary>An anchor.</summary>
    Place,

    /// <summary>The end of the pattern or of a part.</summary>
    Match,
}

/// <summary>One instruction; which fields count is the operation's.</summary>
internal readonly record struct PatternInstruction(
    PatternOperation Operation, CodePointSet? Set = null, int Min = 0, int Max = 0, int First = 0, int Second = 0, Anchor Place = default);

/// <summary>A regular expression as instructions for <see cref="PatternMatcher"/>. Immutable.</summary>
internal sealed class PatternProgram
{
    private const int MaxInstructions = 20_000;

    private readonly List<PatternInstruction> _code = [];

    /// <summary>Compiles a pattern.</summary>
    /// <param name="source">How it is written, for messages.</param>
    /// <param name="node">What it says.</param>
    /// <exception cref="PatternException">It is too long.</exception>
    public PatternProgram(string source, PatternNode node)
    {
        Source = source;
        Begin = BeginOf(node);
        Emit(node);
        Add(new(PatternOperation.Match));
        Code = [.. _code];
    }

    /// <summary>How the pattern is written.</summary>
    public string Source { get; }

    /// <summary>The instructions; the pattern begins at the first.</summary>
    public PatternInstruction[] Code { get; }

    /// <summary>What a match can begin with; null where it may be empty.</summary>
    public CodePointSet? Begin { get; }

    private int Add(PatternInstruction instruction)
    {
        if (_code.Count >= MaxInstructions)
            throw new PatternException("more parts than are supported");
        _code.Add(instruction);
        return _code.Count - 1;
    }

    private void Emit(PatternNode node)
    {
        switch (node)
        {
            case SetNode set:
                Add(new(PatternOperation.Set, set.Set));
                break;
            case SequenceNode sequence:
                foreach (var item in sequence.Items)
                    Emit(item);
                break;
            case ChoiceNode choice:
                EmitChoice(choice);
                break;
            case RepeatNode { Body: SetNode body } repeat:
                var operation = repeat.Mode switch
                {
                    RepeatMode.Greedy => PatternOperation.Run,
                    RepeatMode.Lazy => PatternOperation.LazyRun,
                    _ => PatternOperation.PossessiveRun,
                };
                Add(new(operation, body.Set, repeat.Min, repeat.Max));
                break;
            case RepeatNode { Mode: RepeatMode.Possessive } repeat:
                EmitPart(PatternOperation.Atomic, repeat with { Mode = RepeatMode.Greedy });
                break;
            case RepeatNode repeat:
                EmitRepeat(repeat);
                break;
            case AtomicNode atomic:
                EmitPart(PatternOperation.Atomic, atomic.Body);
                break;
            case LookNode { Behind: true } look:
                EmitBehind(look);
                break;
            case LookNode look:
                EmitPart(look.Negative ? PatternOperation.NotAhead : PatternOperation.Ahead, look.Body);
                break;
            case AnchorNode anchor:
                Add(new(PatternOperation.Place, Place: anchor.Kind));
                break;
        }
    }

    private void EmitChoice(ChoiceNode choice)
    {
        var jumps = new List<int>();
        for (int i = 0; i < choice.Options.Length; i++)
        {
            bool last = i == choice.Options.Length - 1;
            int split = last ? -1 : Add(default);
            Emit(choice.Options[i]);
            if (last)
                break;
            jumps.Add(Add(default));
            _code[split] = new(PatternOperation.Split, BeginOf(choice.Options[i]), First: split + 1, Second: _code.Count);
        }
        foreach (int jump in jumps)
            _code[jump] = new(PatternOperation.Jump, First: _code.Count);
    }

    private void EmitRepeat(RepeatNode repeat)
    {
        for (int i = 0; i < repeat.Min; i++)
            Emit(repeat.Body);
        bool endless = repeat.Max == int.MaxValue;
        var splits = new List<int>();
        for (int i = repeat.Min; i < (endless ? repeat.Min + 1 : repeat.Max); i++)
        {
            splits.Add(Add(default));
            Emit(repeat.Body);
        }
        if (endless)
            Add(new(PatternOperation.Jump, First: splits[0]));
        var begin = BeginOf(repeat.Body);
        foreach (int split in splits)
        {
            _code[split] = repeat.Mode == RepeatMode.Greedy
                ? new(PatternOperation.Split, begin, First: split + 1, Second: _code.Count)
                : new(PatternOperation.Split, First: _code.Count, Second: split + 1);
        }
    }

    private void EmitPart(PatternOperation operation, PatternNode body, int length = 0)
    {
        int at = Add(default);
        Emit(body);
        Add(new(PatternOperation.Match));
        _code[at] = new(operation, Min: length, First: at + 1, Second: _code.Count);
    }

    // One of the options has to stand before; for the negative none of them may, which is a condition after another.
    private void EmitBehind(LookNode look)
    {
        var options = look.Body is ChoiceNode choice ? choice.Options : [look.Body];
        if (look.Negative || options.Length == 1)
        {
            foreach (var option in options)
                EmitPart(look.Negative ? PatternOperation.NotBehind : PatternOperation.Behind, option, option.FixedLength!.Value);
            return;
        }
        EmitChoice(new ChoiceNode([.. options.Select(option => look with { Body = option })]));
    }

    // What the node can begin with; null where it can match without taking anything or that is not known.
    private static CodePointSet? BeginOf(PatternNode node)
    {
        if (node.MayBeEmpty)
            return null;
        switch (node)
        {
            case SetNode set:
                return set.Set;
            case ChoiceNode choice:
                return choice.Options.Select(BeginOf).Aggregate(CodePointSet.Empty, static (sum, begin) => sum.Union(begin!));
            case RepeatNode repeat:
                return BeginOf(repeat.Body);
            case AtomicNode atomic:
                return BeginOf(atomic.Body);
            case SequenceNode sequence:
                var sum = CodePointSet.Empty;
                foreach (var item in sequence.Items)
                {
                    sum = sum.Union(BeginOrAny(item));
                    if (!item.MayBeEmpty)
                        break;
                }
                return sum;
            default:
                return null;
        }

        // A part that may be empty can still take something first; conditions take nothing.
        static CodePointSet BeginOrAny(PatternNode item) => item switch
        {
            AnchorNode or LookNode => CodePointSet.Empty,
            RepeatNode { MayBeEmpty: true } repeat => BeginOrAny(repeat.Body),
            { MayBeEmpty: true } => CodePointSet.Any,
            _ => BeginOf(item)!,
        };
    }
}
