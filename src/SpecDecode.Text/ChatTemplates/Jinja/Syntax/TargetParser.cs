using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Tree;

namespace SpecDecode.ChatTemplates.Jinja.Syntax;

/// <summary>Reads what is assigned to.</summary>
internal sealed class TargetParser(TokenStream tokens)
{
    private int _depth;

    /// <summary>How many loops are open; inside one <c>loop</c> cannot be assigned to.</summary>
    public int InLoop { get; set; }

    /// <summary>Of <c>for</c> and <c>with</c>: variables.</summary>
    public Target ParseLoopTarget() => ParseTuple(withNamespace: false);

    /// <summary>Of <c>set</c>: variables and attributes of namespaces.</summary>
    public Target ParseSetTarget() => ParseTuple(withNamespace: true);

    /// <summary>A single name.</summary>
    public NameTarget ParseName()
    {
        Token name = tokens.Expect(TokenKind.Name);
        return Named(name);
    }

    private Target ParseTuple(bool withNamespace)
    {
        if (++_depth > 50)
        {
            throw TemplateError.Syntax("targets are nested too deeply.", tokens.Current.At);
        }

        Position at = tokens.Current.At;
        List<Target> targets = [];
        bool isTuple = false;
        while (!IsEnd())
        {
            targets.Add(ParseOne(withNamespace));
            if (!tokens.SkipOperator(","))
            {
                break;
            }

            isTuple = true;
        }

        _depth--;
        return isTuple ? new TupleTarget(at, targets)
            : targets.Count > 0 ? targets[0]
            : throw TemplateError.Syntax($"Expected an expression, got '{tokens.Current.Description}'", at);
    }

    private Target ParseOne(bool withNamespace)
    {
        Token token = tokens.Take();
        if (token.IsOperator("("))
        {
            Target inner = tokens.Current.IsOperator(")") ? new TupleTarget(token.At, []) : ParseTuple(withNamespace: false);
            tokens.ExpectOperator(")");
            return inner;
        }

        if (token.Kind != TokenKind.Name)
        {
            throw TemplateError.Syntax($"can't assign to '{(token.Value is null ? token.Description : "const")}'", token.At);
        }

        return withNamespace && tokens.SkipOperator(".")
            ? new AttributeTarget(token.At, token.Text, tokens.Expect(TokenKind.Name).Text)
            : Named(token);
    }

    private bool IsEnd() => tokens.Current.Kind is TokenKind.BlockEnd or TokenKind.VariableEnd || tokens.Current.IsOperator(")") || tokens.Current.IsName("in");

    private NameTarget Named(Token name)
    {
        if (name.Text is "true" or "false" or "none" or "True" or "False" or "None")
        {
            throw TemplateError.Syntax("can't assign to 'const'", name.At);
        }

        return name.Text == "loop" && InLoop > 0
            ? throw TemplateError.Syntax("Can't assign to special loop variable in for-loop", name.At)
            : new NameTarget(name.At, name.Text);
    }
}
