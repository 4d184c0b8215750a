using SpecDecode.Grammars.Expressions;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Tests.Grammars;

/// <summary>Small grammars of every kind of expression, and vocabularies for them.</summary>
internal static class RandomGrammars
{
    private static readonly string[] Letters = ["a", "b", "c", "é", "\"", ",", "€", "\U0001F600"];

    /// <summary>Rules, of which none begins with itself.</summary>
    public static Expression[] Rules(Random random)
    {
        int count = random.Next(1, 4);
        return [.. Enumerable.Range(0, count).Select(_ => Make(random, 4, count))];
    }

    /// <summary>Tokens: all bytes that the letters have, and texts of them that are cut anywhere.</summary>
    public static byte[]?[] Tokens(Random random)
    {
        byte[][] letters = [.. Letters.Select(System.Text.Encoding.UTF8.GetBytes)];
        var tokens = new List<byte[]?>();
        if (random.Next(4) > 0)
            tokens.AddRange(letters.SelectMany(letter => letter).Distinct().Select(b => (byte[]?)[b]));
        for (int i = random.Next(5, 60); i > 0; i--)
        {
            byte[] text = [.. Enumerable.Range(0, random.Next(1, 6)).SelectMany(_ => letters[random.Next(random.Next(2) == 0 ? 3 : letters.Length)])];
            int from = random.Next(3) == 0 ? random.Next(text.Length) : 0;
            int to = random.Next(3) == 0 ? random.Next(from, text.Length) + 1 : text.Length;
            tokens.Add(text[from..to]);
        }
        if (random.Next(3) == 0)
        {
            // All short texts of a few letters, as vocabularies have them.
            byte[][] words = [[]];
            for (int length = random.Next(2, 5); length > 0; length--)
                tokens.AddRange(words = [.. words.SelectMany(word => "abc"u8.ToArray().Select(b => (byte[])[.. word, b]))]);
        }
        tokens.Add(null);
        tokens.Add([]);
        return [.. tokens];
    }

    private static Expression Make(Random random, int depth, int rules)
    {
        if (depth == 0)
            return Leaf(random);
        Expression Inner() => Make(random, depth - 1, rules);
        switch (random.Next(12))
        {
            case 0 or 1:
                return Leaf(random);
            case 2 or 3:
                return Expression.Sequence([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Inner())]);
            case 4 or 5:
                return Expression.Choice([.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Inner())]);
            case 6:
                return Expression.Repeat(Inner(), random.Next(2), random.Next(3) == 0 ? Expression.Unbounded : random.Next(2, 5));
            case 7:
                // Long enough for a register.
                int min = random.Next(20);
                return Expression.Repeat(
                    Expression.Sequence(Letter(random), Inner()), min, random.Next(3) == 0 ? Expression.Unbounded : min + random.Next(20, 80),
                    random.Next(2) == 0 ? Expression.Text(",") : null);
            case 8:
                return Expression.Sequence(Letter(random), Expression.Call(random.Next(rules)), random.Next(2) == 0 ? Expression.Empty : Leaf(random));
            case 9:
                var items = Enumerable.Range(0, random.Next(1, 4)).Select(_ => Expression.Sequence(Letter(random), Inner())).ToArray();
                return new AnyOrderExpression(items, (ulong)random.Next(1 << items.Length), Expression.Text(random.Next(2) == 0 ? "," : ",b"), random.Next(2) == 0 ? null : Letter(random));
            case 10:
                int most = random.Next(4) == 0 ? random.Next(1, 4) : Expression.Unbounded;
                return new OrderedExpression(
                    [.. Enumerable.Range(0, random.Next(0, 4)).Select(_ => (Expression.Sequence(Letter(random), Inner()), random.Next(2) == 0))],
                    Expression.Text(random.Next(2) == 0 ? "," : ",b"), random.Next(2) == 0 ? null : Letter(random), random.Next(2) == 0 ? 0 : random.Next(most < 0 ? 3 : most), most);
            default:
                var words = CharacterAutomaton.Of(Expression.Words(["ab", "abc", "é", "cc"]));
                return new AutomatonExpression(random.Next(2) == 0 ? words : words.Invert(), Expression.Characters);
        }
    }

    private static Expression Leaf(Random random) => random.Next(5) switch
    {
        0 => Expression.Words(Enumerable.Range(0, random.Next(1, 5)).Select(_ => string.Concat(Enumerable.Range(0, random.Next(4)).Select(_ => Letters[random.Next(Letters.Length)])))),
        1 => Expression.Empty,
        2 => Expression.Characters(CodePointSet.Range('a', 'c').Union(CodePointSet.Range(0xC0, 0x20FF))),
        3 => Expression.Characters(CodePointSet.Of('a', '"').Invert()),
        _ => Letter(random),
    };

    private static Expression Letter(Random random) => Expression.Text(Letters[random.Next(Letters.Length)]);
}
