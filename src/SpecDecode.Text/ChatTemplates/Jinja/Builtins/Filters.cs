using System.Collections.Frozen;
using SpecDecode.ChatTemplates.Jinja.Values;

namespace SpecDecode.ChatTemplates.Jinja.Builtins;

/// <summary>The filters, by name.</summary>
internal static class Filters
{
    private static readonly FrozenDictionary<string, BuiltinFunction> ByName = Make();

    public static BuiltinFunction? Find(string name) => ByName.GetValueOrDefault(name);

    private static FrozenDictionary<string, BuiltinFunction> Make()
    {
        FunctionTable table = new();
        TextFilters.AddTo(table);
        NumberFilters.AddTo(table);
        SequenceFilters.AddTo(table);
        SelectionFilters.AddTo(table);
        return table.Functions.ToFrozenDictionary(StringComparer.Ordinal);
    }
}
