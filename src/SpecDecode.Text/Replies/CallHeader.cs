using SpecDecode.Grammars.Expressions;
using SpecDecode.Tokenizers.Patterns;

namespace SpecDecode.Replies;

/// <summary>What stands between a call's name and its arguments, in formats that have the name before the JSON.</summary>
/// <param name="Kind">A text that tells headers apart.</param>
/// <param name="Expression">The header.</param>
internal sealed record CallHeader(string Kind, Expression Expression)
{
    private const int MostIdCharacters = 32;

    private static readonly CodePointSet LettersAndDigits = CodePointSet.Range('0', '9').Union(CodePointSet.Range('A', 'Z')).Union(CodePointSet.Range('a', 'z'));

    /// <summary>The header of a format.</summary>
    public static CallHeader Of(ReplyFormat format)
    {
        // Control tokens count as bytes of their own, so headers differ by which there are.
        string[] markers = format.ToolCalls == ToolCallSyntax.Mistral ? ["[CALL_ID]", "[ARGS]"] : ["<|channel|>", "<|constrain|>", "<|message|>"];
        byte[][] spelled = [.. markers.Select(format.SpellMarker)];
        Expression[] marks = [.. spelled.Select(bytes => new WordsExpression([bytes]))];
        return new CallHeader(string.Join(' ', spelled.Select(Convert.ToHexString)), format.ToolCalls == ToolCallSyntax.Mistral ? Mistral(marks) : Harmony(marks));
    }

    // [CALL_ID]a1B2c3D4e[ARGS]
    private static Expression Mistral(Expression[] marks) => Expression.Sequence(
        Expression.Optional(Expression.Sequence(marks[0], Expression.Repeat(Expression.Characters(LettersAndDigits), 1, MostIdCharacters))), marks[1]);

    // <|channel|>commentary <|constrain|>json<|message|>
    private static Expression Harmony(Expression[] marks)
    {
        Expression space = Expression.Text(" ");
        Expression json = Expression.Text("json");
        return Expression.Sequence(
            Expression.Optional(Expression.Sequence(marks[0], Expression.Text("commentary"))),
            Expression.Choice(Expression.Empty, space, Expression.Sequence(space, json), Expression.Sequence(marks[1], json), Expression.Sequence(space, marks[1], json)),
            marks[2]);
    }
}
