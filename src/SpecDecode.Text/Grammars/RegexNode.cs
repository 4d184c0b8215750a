using SpecDecode.Grammars.Expressions;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Grammars;

/// <summary>A part of a regular expression.</summary>
internal abstract class RegexNode
{
    // Groups with anchors are written out, each of their options with what stands around it.
    private const int MostParts = 2000;

    /// <summary>What matches, as a set of texts.</summary>
    /// <param name="isSearch">Whether a match may stand anywhere in the text; otherwise it is the text.</param>
    /// <param name="spelling">How a character of a set is written; null for as it is.</param>
    /// <exception cref="GrammarException">An anchor stands where it cannot be honoured.</exception>
    public Expression ToExpression(bool isSearch, Func<CodePointSet, Expression>? spelling = null)
    {
        spelling ??= Expression.Characters;
        int parts = 0;
        return Whole([this], isSearch, isSearch);

        Expression Whole(IReadOnlyList<RegexNode> items, bool left, bool right)
        {
            if (++parts > MostParts)
                throw new GrammarException("The regular expression has too many groups with '^' or '$' in them; write these at its ends.");
            if (!items.Any(item => item.HasAnchor))
            {
                var any = Expression.Repeat(spelling(Utf8.Characters), 0, Expression.Unbounded);
                return Expression.Sequence(
                    [left ? any : Expression.Empty, .. items.Select(item => item.Plain(spelling)), right ? any : Expression.Empty]);
            }
            if (items[0] is RegexAnchor { IsStart: true })
                return Whole([.. items.Skip(1)], false, right);
            if (items[^1] is RegexAnchor { IsStart: false })
                return Whole([.. items.SkipLast(1)], left, false);
            // One that holds what has an anchor at the text's start or end is written out.
            if (items[0].HasAnchor && items[0].Options is { } first)
                return Expression.Choice([.. first.Select(option => Whole([.. option, .. items.Skip(1)], left, right))]);
            if (items[^1].HasAnchor && items[^1].Options is { } last)
                return Expression.Choice([.. last.Select(option => Whole([.. items.SkipLast(1), .. option], left, right))]);
            throw new GrammarException(
                "The regular expression has a '^' or '$' in its middle, which is not supported; write them at its ends, or leave them out.");
        }
    }

    /// <summary>Whether an anchor is in it.</summary>
    public abstract bool HasAnchor { get; }

    /// <summary>The sequences of which it is any one; null where it is none of a few.</summary>
    protected virtual IReadOnlyList<IReadOnlyList<RegexNode>>? Options => null;

    /// <summary>What matches, where there is no anchor in it.</summary>
    protected abstract Expression Plain(Func<CodePointSet, Expression> spelling);

    protected static Expression PlainOf(RegexNode node, Func<CodePointSet, Expression> spelling) => node.Plain(spelling);
}

/// <summary>A character of a set.</summary>
internal sealed class RegexSet(CodePointSet set) : RegexNode
{
    public override bool HasAnchor => false;

    protected override Expression Plain(Func<CodePointSet, Expression> spelling) => spelling(set);
}

/// <summary>The start or the end of the text.</summary>
internal sealed class RegexAnchor(bool isStart) : RegexNode
{
    public bool IsStart => isStart;

    public override bool HasAnchor => true;

    protected override Expression Plain(Func<CodePointSet, Expression> spelling) => throw new NotSupportedException("An anchor is no text.");
}

/// <summary>One after the other.</summary>
internal sealed class RegexSequence(RegexNode[] items) : RegexNode
{
    public override bool HasAnchor { get; } = items.Any(item => item.HasAnchor);

    protected override IReadOnlyList<IReadOnlyList<RegexNode>> Options => [items];

    protected override Expression Plain(Func<CodePointSet, Expression> spelling) =>
        Expression.Sequence([.. items.Select(item => PlainOf(item, spelling))]);
}

/// <summary>Any one of them.</summary>
internal sealed class RegexChoice(RegexNode[] options) : RegexNode
{
    public override bool HasAnchor { get; } = options.Any(option => option.HasAnchor);

    protected override IReadOnlyList<IReadOnlyList<RegexNode>> Options => [.. options.Select(option => (RegexNode[])[option])];

    protected override Expression Plain(Func<CodePointSet, Expression> spelling) =>
        Expression.Choice([.. options.Select(option => PlainOf(option, spelling))]);
}

/// <summary>A number of times.</summary>
internal sealed class RegexRepeat(RegexNode body, int min, int max) : RegexNode
{
    public override bool HasAnchor { get; } = body.HasAnchor;

    protected override IReadOnlyList<IReadOnlyList<RegexNode>>? Options => (min, max) switch
    {
        (0, 1) => [[body], []],
        (1, 1) => [[body]],
        _ => null,
    };

    protected override Expression Plain(Func<CodePointSet, Expression> spelling) => Expression.Repeat(PlainOf(body, spelling), min, max);
}
