using System.Text;
using SpecDecode.Tokenizers;

namespace SpecDecode.Stops;

/// <summary>
/// The text of new tokens for whoever reads it: nothing of a stop string is given out, nor of what may become one, until it is known not to be.
/// </summary>
/// <param name="stream">Makes text of tokens.</param>
/// <param name="rule">What stops the text; null for nothing.</param>
internal sealed class StopText(TokenTextStream stream, StopRule? rule)
{
    // What a stop string may begin with, and so is held back.
    private readonly StringBuilder _held = new();
    private int _count;
    private int _state;
    private bool _hasEnded;

    /// <summary>Takes the next token.</summary>
    /// <returns>The text that can be given out now; often empty.</returns>
    public string Append(int token)
    {
        _count++;
        string text = stream.Append(token);
        return rule is null ? text : Pass(text, rule);
    }

    /// <summary>Ends the text.</summary>
    /// <returns>What was held back, unless a stop string was found.</returns>
    public string Flush()
    {
        string text = stream.Flush();
        if (rule is null)
        {
            return text;
        }

        text = Pass(text, rule) + _held;
        _held.Clear();
        return text;
    }

    private string Pass(string text, StopRule rule)
    {
        if (_hasEnded)
        {
            return "";
        }

        foreach (char unit in text)
        {
            _held.Append(unit);
            _state = rule.Strings.Next(_state, unit);
            if (_count > rule.MinTokens && rule.Strings.Found(_state) is { } found)
            {
                _hasEnded = true;
                string last = _held.ToString(0, _held.Length - (rule.IsIncluded ? 0 : found.Length));
                _held.Clear();
                return last;
            }
        }

        int free = _held.Length - rule.Strings.Pending(_state);
        string passed = _held.ToString(0, free);
        _held.Remove(0, free);
        return passed;
    }
}
