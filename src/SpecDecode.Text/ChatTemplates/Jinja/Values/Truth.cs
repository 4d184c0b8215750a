using System.Numerics;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>Python's <c>bool()</c>.</summary>
internal static class Truth
{
    public static bool Of(object? value) => value switch
    {
        null or Undefined => false,
        bool truth => truth,
        string text => text.Length > 0,
        MarkupValue markup => markup.Content.Length > 0,
        long number => number != 0,
        double number => number != 0,
        BigInteger number => !number.IsZero,
        SequenceValue sequence => sequence.Items.Count > 0,
        DictValue dict => dict.Count > 0,
        ViewValue view => view.Count > 0,
        RangeValue range => range.Count > 0,
        LoopValue loop => loop.Length > 0,
        _ => true,
    };
}
