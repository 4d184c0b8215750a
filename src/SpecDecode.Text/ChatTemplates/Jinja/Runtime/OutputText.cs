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
            throw TemplateError.Limit($"the output is longer than {meter.Limits.OutputLength} characters.");
        }

        meter.AllocateText(text.Length);
        _text.Append(text);
    }

    public override string ToString() => _text.ToString();
}
