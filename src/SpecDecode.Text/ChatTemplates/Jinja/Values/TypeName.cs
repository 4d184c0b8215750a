using System.Numerics;

namespace SpecDecode.ChatTemplates.Jinja.Values;

/// <summary>The names that Python gives the types of values.</summary>
internal static class TypeName
{
    public static string Of(object? value) => value switch
    {
        null => "NoneType",
        bool => "bool",
        long or BigInteger => "int",
        double => "float",
        string => "str",
        MarkupValue => "Markup",
        Undefined => "Undefined",
        ListValue => "list",
        GroupValue => "_GroupTuple",
        TupleValue => "tuple",
        DictValue => "dict",
        RangeValue => "range",
        ViewValue view => view.TypeName,
        IteratorValue iterator => iterator.TypeName,
        NamespaceValue => "Namespace",
        LoopValue => "LoopContext",
        MacroValue => "Macro",
        CyclerValue => "Cycler",
        JoinerValue => "Joiner",
        TemplateReference => "TemplateReference",
        BlockReference => "BlockReference",
        BoundMethod => "builtin_function_or_method",
        BuiltinFunction => "function",
        _ => "object",
    };
}
