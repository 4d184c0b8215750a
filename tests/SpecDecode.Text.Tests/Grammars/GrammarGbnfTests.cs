using SpecDecode.Grammars;

namespace SpecDecode.Tests.Grammars;

public sealed class GrammarGbnfTests
{
    private const string Arithmetic = """
        # Left recursion, right recursion and ambiguity.
        root ::= expr
        expr ::= expr ("+" | "-") term | term
        term ::= factor "*" term | factor
        factor ::= [0-9]+ | "(" ws expr ws ")"
        ws ::= " " ws | ""
        """;

    [Theory]
    [InlineData("1", true)]
    [InlineData("1+2*3-(4)", true)]
    [InlineData("((  1 ))*22", true)]
    [InlineData("1+", false)]
    [InlineData("(1", false)]
    [InlineData("1)", false)]
    public void Rules_may_call_themselves_anywhere(string text, bool fits)
    {
        Assert.Equal(fits, GrammarTexts.Accepts(Grammar.OfGbnf(Arithmetic), text));
    }

    [Theory]
    [InlineData("root ::= \"a\" [b-d]{2} . | \"\\x41\\u00e9\\n\"", "abc\u20AC", true)]
    [InlineData("root ::= \"a\" [b-d]{2} . | \"\\x41\\u00e9\\n\"", "A\u00e9\n", true)]
    [InlineData("root ::= [^\"\\\\]* \"]\"", "x]y]", true)]
    [InlineData("root ::= [^a\\]]", "]", false)]
    [InlineData("root ::= (\n \"a\" # one\n | \"b\"\n)+\nother-rule ::= \"c\"", "abba", true)]
    [InlineData("root ::= \"a\"\n  | \"b\"\n", "b", true)]
    [InlineData("root ::= a{0,3} \"b\"\na ::= \"x\" | \"\"", "xxb", true)]
    [InlineData("root ::= a a a\na ::= \"x\" a | \"\"", "xxxxx", true)]
    [InlineData("root ::= root root | \"x\" | \"\"", "xxxx", true)]
    public void The_notation_of_llama_cpp_is_read(string grammar, string text, bool fits)
    {
        Assert.Equal(fits, GrammarTexts.Accepts(Grammar.OfGbnf(grammar), text));
    }

    [Theory]
    [InlineData("root ::= missing", "'missing'")]
    [InlineData("other ::= \"a\"", "'root'")]
    [InlineData("root ::= \"a", "line 1")]
    [InlineData("root ::= \"a\"\nroot ::= \"b\"", "line 2")]
    [InlineData("root ::= a\na ::= a", "fits no text")]
    [InlineData("root ::= [z-a]", "range")]
    [InlineData("root ::= \"a\"{2,1}", "number of times")]
    [InlineData("root = \"a\"", "'::='")]
    public void A_damaged_grammar_is_refused_with_its_place(string grammar, string named)
    {
        Assert.Contains(named, Assert.Throws<GrammarException>(() => Grammar.OfGbnf(grammar)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_choice_of_texts_allows_these_alone()
    {
        Grammar grammar = Grammar.OfChoices(["yes", "no", "not now", ""]);
        Assert.All((string[])["yes", "no", "not now", ""], text => Assert.True(GrammarTexts.Accepts(grammar, text)));
        Assert.All((string[])["y", "not", "nono", "yesno"], text => Assert.False(GrammarTexts.Accepts(grammar, text)));
        Assert.Throws<GrammarException>(() => Grammar.OfChoices([]));
    }

    [Fact]
    public void The_same_source_is_compiled_once()
    {
        Assert.Same(Grammar.OfGbnf(Arithmetic), Grammar.OfGbnf(Arithmetic));
        Assert.Same(Grammar.OfRegex("[a-z]+"), Grammar.OfRegex("[a-z]+"));
        Assert.NotSame(Grammar.OfGbnf("root ::= \"a\""), Grammar.OfRegex("root ::= \"a\""));
    }
}
