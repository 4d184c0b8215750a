using SpecDecode.Checkpoints;

namespace SpecDecode.Tokenizers.Patterns;

/// <summary>
/// Finds a pattern's matches in one text after another: leftmost first, and by backtracking the one that the pattern
/// prefers. Not thread-safe.
/// </summary>
/// <remarks>
/// What a run of equal kind has been found to reach, and the places behind it where the rest of the pattern has been found
/// to fail, are remembered, so that patterns such as <c>\s+$</c> are not quadratic in the length of a run. A limit on the
/// steps per text ends patterns that are exponential by themselves.
/// </remarks>
internal sealed class PatternMatcher(PatternProgram program)
{
    private const int Failed = -1;
    private const long StepsAtLeast = 20_000_000;
    private const long StepsPerCodePoint = 200;

    private readonly PatternInstruction[] _code = program.Code;

    // By instruction: the run that was scanned last, and the places behind it where the rest fails.
    private readonly (int Start, int End)[] _runs = new (int, int)[program.Code.Length];
    private readonly (int Low, int High)[] _dead = new (int, int)[program.Code.Length];

    // What to try next when something fails: an instruction at any place from Low to High, the highest first; the places up
    // to Tried have failed. Of a lazy run Low is ~count, and the place is one behind High.
    private Frame[] _frames = new Frame[64];
    private int _count;

    private int[] _codes = new int[256];
    private int[] _offsets = [];
    private int _length;
    private long _steps;
    private bool _used;

    private record struct Frame(int Instruction, int Low, int High, int Tried);

    // Where FindNext goes on in the text, and the end of the match before.
    private int _at;
    private int _lastEnd;
    private bool _pairs;
    private int _units;

    /// <summary>Appends the matches in <paramref name="text"/> as ranges of UTF-16 units, empty ones too.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    /// <param name="matches">Receives the matches.</param>
    /// <exception cref="SpecDecodeException">The pattern takes too many steps on this text.</exception>
    public void FindAll(ReadOnlySpan<char> text, List<(int Start, int End)> matches)
    {
        Begin(text);
        while (FindNext(out var match))
            matches.Add(match);
    }

    /// <summary>Begins to look through a text.</summary>
    /// <param name="text">Well-formed UTF-16.</param>
    public void Begin(ReadOnlySpan<char> text)
    {
        _pairs = Read(text);
        _count = 0;
        _steps = StepsAtLeast + StepsPerCodePoint * _length;
        _units = text.Length;
        _at = 0;
        _lastEnd = -1;
        _used = false;
    }

    /// <summary>Finds the next match in the text, as a range of UTF-16 units.</summary>
    /// <exception cref="SpecDecodeException">The pattern takes too many steps on this text.</exception>
    public bool FindNext(out (int Start, int End) match)
    {
        while (_at <= _length)
        {
            int at = _at;
            if (program.Begin is { } begin)
            {
                while (at < _length && !begin.Contains(_codes[at]))
                    at++;
                if (at == _length)
                    break;
            }
            if (!_used)
            {
                _used = true;
                Array.Clear(_runs);
                Array.Fill(_dead, (0, -1));
            }
            int end = Run(0, at);
            if (_steps < 0)
            {
                throw new SpecDecodeException(
                    $"The regular expression '{CheckpointText.Shorten(program.Source)}' of the tokenizer takes too long on a text of {_units} characters. "
                    + "Encode the text in smaller parts.");
            }
            // An empty match right behind another match is none.
            bool found = end > at || (end == at && at != _lastEnd);
            _lastEnd = end == Failed ? _lastEnd : end;
            _at = Math.Max(end, at + 1);
            if (found)
            {
                match = _pairs ? (_offsets[at], _offsets[end]) : (at, end);
                return true;
            }
        }
        _at = _length + 1;
        match = default;
        return false;
    }

    // The code points, and where each begins if that differs.
    private bool Read(ReadOnlySpan<char> text)
    {
        if (_codes.Length < text.Length)
            _codes = new int[Math.Max(text.Length, 2 * _codes.Length)];
        bool pairs = text.IndexOfAnyInRange('\uD800', '\uDFFF') >= 0;
        if (!pairs)
        {
            for (int i = 0; i < text.Length; i++)
                _codes[i] = text[i];
            _length = text.Length;
            return false;
        }
        if (_offsets.Length <= text.Length)
            _offsets = new int[_codes.Length + 1];
        _length = 0;
        for (int i = 0; i < text.Length;)
        {
            _offsets[_length] = i;
            int used = char.IsHighSurrogate(text[i]) && i + 1 < text.Length ? 2 : 1;
            _codes[_length++] = used == 2 ? char.ConvertToUtf32(text[i], text[i + 1]) : text[i];
            i += used;
        }
        _offsets[_length] = text.Length;
        return true;
    }

    // Matches from one instruction at one place; returns where the match ends.
    private int Run(int instruction, int at)
    {
        int floor = _count;
        while (true)
        {
            if (--_steps < 0)
                return Failed;
            ref readonly var step = ref _code[instruction];
            bool goes = true;
            switch (step.Operation)
            {
                case PatternOperation.Match:
                    _count = floor;
                    return at;
                case PatternOperation.Set:
                    goes = at < _length && step.Set!.Contains(_codes[at]);
                    at++;
                    instruction++;
                    break;
                case PatternOperation.Run:
                    goes = TryRun(instruction, ref at);
                    instruction++;
                    break;
                case PatternOperation.PossessiveRun:
                    int reached = End(instruction, at);
                    goes = reached - at >= step.Min;
                    at = reached;
                    instruction++;
                    break;
                case PatternOperation.LazyRun:
                    goes = TryLazyRun(instruction, ref at);
                    instruction++;
                    break;
                case PatternOperation.Split:
                    if (step.Set is { } begin && (at >= _length || !begin.Contains(_codes[at])))
                    {
                        instruction = step.Second;
                        break;
                    }
                    Push(new(step.Second, at, at, at));
                    instruction = step.First;
                    break;
                case PatternOperation.Jump:
                    instruction = step.First;
                    break;
                case PatternOperation.Atomic:
                    at = Run(step.First, at);
                    goes = at != Failed;
                    instruction = step.Second;
                    break;
                case PatternOperation.Place:
                    goes = IsAt(step.Place, at);
                    instruction++;
                    break;
                default:
                    bool behind = step.Operation is PatternOperation.Behind or PatternOperation.NotBehind;
                    bool wanted = step.Operation is PatternOperation.Behind or PatternOperation.Ahead;
                    int from = at - step.Min;
                    goes = ((!behind || from >= 0) && Run(step.First, from) != Failed) == wanted;
                    instruction = step.Second;
                    break;
            }
            if (!goes && !TryGoBack(floor, ref instruction, ref at))
                return Failed;
        }
    }

    private bool TryGoBack(int floor, ref int instruction, ref int at)
    {
        while (_count > floor)
        {
            ref var frame = ref _frames[_count - 1];
            instruction = frame.Instruction;
            if (frame.Low < 0)
            {
                // A lazy run takes one more; ~Low is how many it may still take.
                at = frame.High;
                if (at < _length && _code[instruction - 1].Set!.Contains(_codes[at]))
                {
                    at = ++frame.High;
                    if (++frame.Low == 0)
                        _count--;
                    return true;
                }
                _count--;
                continue;
            }
            at = frame.High--;
            if (at >= frame.Low)
            {
                if (frame.Low == frame.Tried)
                    _count--;
                return true;
            }
            _dead[instruction - 1] = (frame.Low, frame.Tried);
            _count--;
        }
        return false;
    }

    private bool TryRun(int instruction, ref int at)
    {
        ref readonly var step = ref _code[instruction];
        int low = at + step.Min, high = End(instruction, at), tried = high;
        var (deadLow, deadHigh) = _dead[instruction];
        if (high <= deadHigh && high >= deadLow)
            (high, tried) = (deadLow - 1, deadHigh);
        if (high < low)
            return false;
        at = high;
        if (low < high)
            Push(new(instruction + 1, low, high - 1, tried));
        return true;
    }

    private bool TryLazyRun(int instruction, ref int at)
    {
        ref readonly var step = ref _code[instruction];
        for (int i = 0; i < step.Min; i++, at++)
        {
            if (at >= _length || !step.Set!.Contains(_codes[at]))
                return false;
        }
        if (step.Max > step.Min)
            Push(new(instruction + 1, ~(step.Max - step.Min - 1), at, at));
        return true;
    }

    // Where a run that begins here ends.
    private int End(int instruction, int at)
    {
        ref readonly var step = ref _code[instruction];
        ref var known = ref _runs[instruction];
        int most = step.Max < _length - at ? at + step.Max : _length;
        if (at >= known.Start && at < known.End)
            return Math.Min(known.End, most);
        int end = at;
        while (end < most && step.Set!.Contains(_codes[end]))
            end++;
        _steps -= (end - at) >> 3;
        if (step.Max == int.MaxValue)
            known = (at, end);
        return end;
    }

    private bool IsAt(Anchor place, int at) => place switch
    {
        Anchor.TextStart => at == 0,
        Anchor.TextEnd => at == _length,
        Anchor.LastLineEnd => at == _length || (at == _length - 1 && _codes[at] == '\n'),
        Anchor.LineStart => at == 0 || (_codes[at - 1] == '\n' && at < _length),
        Anchor.LineEnd => at == _length || _codes[at] == '\n',
        _ => (IsWord(at - 1) != IsWord(at)) == (place == Anchor.WordBoundary),
    };

    private bool IsWord(int at) => at >= 0 && at < _length && CodePointSet.Word.Contains(_codes[at]);

    private void Push(Frame frame)
    {
        if (_count == _frames.Length)
            Array.Resize(ref _frames, 2 * _count);
        _frames[_count++] = frame;
    }
}
