using SpecDecode.ChatTemplates.Jinja.Runtime;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>One value into as many as there are targets.</summary>
internal static class Unpacking
{
    /// <exception cref="TemplateError">There are more or fewer.</exception>
    public static List<object?> Of(Meter meter, object? value, int count)
    {
        if (!Sequences.IsIterable(value))
        {
            throw TemplateError.Type($"cannot unpack non-iterable {TypeName.Of(value)} object");
        }

        List<object?> items = [];
        foreach (object? item in Sequences.Iterate(meter, value))
        {
            if (items.Count == count)
            {
                throw TemplateError.Value($"too many values to unpack (expected {count})");
            }

            items.Add(item);
        }

        return items.Count == count ? items : throw TemplateError.Value($"not enough values to unpack (expected {count}, got {items.Count})");
    }
}
