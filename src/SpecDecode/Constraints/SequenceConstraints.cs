using SpecDecode.Drafting;

namespace SpecDecode.Constraints;

/// <summary>
/// The constraints of one sequence, in the order in which they change logits, kept where the step is: behind the committed tokens and so many of a draft.
/// A step that fails, a draft that does not stand or one that is thrown away needs nothing done here: whoever asks says where.
/// </summary>
internal sealed class SequenceConstraints
{
    private readonly ITokenConstraintState[] _states;

    // Tokens that the states were advanced by, behind the first _committed new ones.
    private readonly int[] _tail = new int[2 * DraftingOptions.MaxDraftLength + 2];
    private int _committed;
    private int _tailLength;

    /// <summary>Begins a text.</summary>
    public SequenceConstraints(IEnumerable<ITokenConstraint> constraints, TokenConstraintContext context) =>
        _states = [.. constraints.Select(constraint => constraint.Begin(context)
            ?? throw new SpecDecodeException($"The constraint {constraint.GetType().Name} has begun a text without a state: its Begin returned null."))];

    /// <summary>Brings the states behind a text.</summary>
    /// <param name="newTokens">The committed new tokens; no fewer than at the call before.</param>
    /// <param name="draft">Tokens behind them.</param>
    public void MoveTo(ReadOnlySpan<int> newTokens, ReadOnlySpan<int> draft)
    {
        ReadOnlySpan<int> added = newTokens[_committed..];
        int common = added.CommonPrefixLength(_tail.AsSpan(0, _tailLength));
        if (common == added.Length)
        {
            common += draft.CommonPrefixLength(_tail.AsSpan(common, _tailLength - common));
        }

        if (_tailLength > common)
        {
            int count = _tailLength - common;
            _tailLength = common;
            foreach (ITokenConstraintState state in _states)
            {
                state.Rollback(count);
            }
        }

        for (int i = common; i < added.Length + draft.Length; i++)
        {
            int token = i < added.Length ? added[i] : draft[i - added.Length];
            _tail[_tailLength++] = token;
            foreach (ITokenConstraintState state in _states)
            {
                state.Advance(token);
            }
        }

        _tail.AsSpan(added.Length, draft.Length).CopyTo(_tail);
        _tailLength = draft.Length;
        _committed = newTokens.Length;
    }

    /// <summary>Changes the logits of the next token.</summary>
    public void Process(Span<float> logits)
    {
        foreach (ITokenConstraintState state in _states)
        {
            state.Process(logits);
        }
    }

    /// <summary>Whether a token may come next, as far as that can be told without logits.</summary>
    public bool Allows(int token)
    {
        foreach (ITokenConstraintState state in _states)
        {
            if (!state.Allows(token))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Tokens that must come next; those of the first constraint that has any.</summary>
    public int Forced(Span<int> tokens)
    {
        foreach (ITokenConstraintState state in _states)
        {
            int count = state.Forced(tokens);
            if (count > 0)
            {
                return count;
            }
        }

        return 0;
    }
}
