using System.Text;

namespace SpecDecode.ChatTemplates.Jinja.Runtime;

/// <summary>What a template, a macro or a block has written so far.</summary>
internal sealed class OutputText(Meter meter)
{
    private readonly StringBuilder _text = new();

    public void Append(string text)
    {
        if (text.Length > meter.Limits.OutputLength - _text.Length)
        {
            throw TemplateError.Limit($"the output is longer than {meter.Limits.OutputLength} characters", nameof(ChatTemplateLimits.MaxOutputLength));
        }

        meter.Work(text.Length >> 5);
        meter.Memory.Keep(text.Length * (long)sizeof(char));
        _text.Append(text);
    }

    /// <summary>The whole, behind which nothing can be written any more.</summary>
    /// <param name="since">Where what wrote it began: what was made since is gone, except this text.</param>
    /// <param name="frame">The variables of what wrote it.</param>
    public string End(MemoryAccount.Mark since, Frame frame)
    {
        string text = _text.ToString();
        _text.Clear();
        meter.Memory.GiveBack(text.Length * (long)sizeof(char));
        meter.Memory.Release(since, frame);
        meter.AllocateText(text.Length);
        return text;
    }
}
