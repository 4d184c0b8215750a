namespace SpecDecode.Grammars.Automata;

/// <summary>What a state remembers of bytes that lead to one and the same other one.</summary>
internal sealed class EvenBytes
{
    // Where they lead; null until one is known that may follow.
    private GrammarState? _target;

    // The bytes that are known to lead there, and those that are known to lead elsewhere, or nowhere.
    private ByteSet _known, _others;

    /// <summary>Whether all texts of some bytes may follow a state, since where they lead depends on their length alone.</summary>
    /// <param name="machine">The state's machine.</param>
    /// <param name="state">The state.</param>
    /// <param name="bytes">The bytes; one at least.</param>
    /// <param name="length">The length of the longest of these texts.</param>
    /// <param name="limit">How far <see cref="GrammarMachine.Work"/> may go for it.</param>
    /// <returns>Whether they may; false also says that it would have to be looked at text by text.</returns>
    /// <exception cref="GrammarException">The grammar has too many readings of the text.</exception>
    public static bool AllFollow(GrammarMachine machine, GrammarState state, ByteSet bytes, int length, long limit)
    {
        for (int i = 0; i < length; i++)
        {
            if (machine.Work > limit)
                return false;
            var even = state.Even ??= new();
            if (!even.Takes(machine, state, bytes))
                return false;
            // Where it leads to itself there is no more to see.
            if (even._target == state)
                return true;
            state = even._target!;
        }
        return true;
    }

    private bool Takes(GrammarMachine machine, GrammarState state, ByteSet bytes)
    {
        if (_others.Overlaps(bytes))
            return false;
        for (var left = bytes.Except(_known); !left.IsEmpty; left = left.Except(_known))
        {
            byte value = left.First;
            var like = machine.Network.Classes.Of(value);
            var next = machine.Step(state, value);
            if (next == GrammarState.Dead)
            {
                _others = _others.Union(like);
                return false;
            }
            if (_target is not null && next != _target)
            {
                // The more bytes lead there, the more is gained: a text's characters, and not the quote at its end. What was elsewhere may be there then.
                if (like.Count > _known.Count)
                    (_target, _known, _others) = (next, like, _known);
                else
                    _others = _others.Union(like);
                return false;
            }
            (_target, _known) = (next, _known.Union(like));
        }
        return true;
    }
}
