using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace LeadPipeline.Mcp.Execution;

/// <summary>
/// A condition of a step: <c>field op value</c>, where op is <c>=</c>, <c>!=</c>, <c>&gt;=</c>, <c>&lt;=</c>, <c>in</c> (a comma-separated
/// list) or <c>exists</c> (without a value, or with <c>true</c> or <c>false</c>). There is no "and", "or" or arithmetic on purpose: a list
/// of such conditions, all of which must hold, can be read aloud.
/// </summary>
public sealed partial record WhenCondition
{
    private WhenCondition(string field, string op, IReadOnlyList<string> values)
    {
        Field = field;
        Op = op;
        Values = values;
    }

    /// <summary>What is looked at, for example <c>score</c> or <c>steps.match_account.openOpportunities</c>.</summary>
    public string Field { get; }

    /// <summary>The comparison.</summary>
    public string Op { get; }

    /// <summary>What it is compared with: one value; several for <c>in</c>; none for a bare <c>exists</c>.</summary>
    public IReadOnlyList<string> Values { get; }

    /// <summary>Whether the field is known only while the plan runs.</summary>
    public bool IsRunTime => Field == "account" || Field.StartsWith("steps.", StringComparison.Ordinal);

    /// <summary>The step whose result the field is, or null.</summary>
    public string? Step => Field.StartsWith("steps.", StringComparison.Ordinal) ? Field.Split('.')[1] : null;

    /// <summary>Reads a condition.</summary>
    /// <exception cref="FormatException">The text is not one.</exception>
    public static WhenCondition Parse(string text) =>
        TryParse(text, out var condition, out var error) ? condition : throw new FormatException(error);

    /// <summary>Reads a condition, or says what is wrong and what to write.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out WhenCondition? condition, [NotNullWhen(false)] out string? error)
    {
        (condition, error) = Read(text);
        return condition is not null;
    }

    /// <summary>Whether it holds, given the value of any field; null: there is none.</summary>
    public bool Evaluate(Func<string, string?> field)
    {
        // An empty text is no value: a result that turned out empty does not exist.
        var value = field(Field) is { Length: > 0 } given ? given : null;
        return Op switch
        {
            "exists" => value is not null == (Values is not ["false"]),
            "=" => value is not null && Same(value, Values[0]),
            "!=" => value is null || !Same(value, Values[0]),
            "in" => value is not null && Values.Any(v => Same(value, v)),
            ">=" => value is not null && Compare(value, Values[0]) >= 0,
            "<=" => value is not null && Compare(value, Values[0]) <= 0,
            _ => throw new InvalidOperationException($"The operator '{Op}' has no meaning."),
        };
    }

    /// <inheritdoc/>
    public override string ToString() => Values.Count == 0 ? $"{Field} {Op}" : $"{Field} {Op} {string.Join(", ", Values)}";

    /// <inheritdoc/>
    public bool Equals(WhenCondition? other) => other is not null && ToString() == other.ToString();

    /// <inheritdoc/>
    public override int GetHashCode() => ToString().GetHashCode(StringComparison.Ordinal);

    private static (WhenCondition?, string?) Read(string text)
    {
        if (Shape().Match(text) is not { Success: true } match)
            return (null, $"'{text}' is not a condition; write FIELD OP VALUE with OP one of =, !=, >=, <=, in, exists");

        var (field, op, rest) = (match.Groups["field"].Value, match.Groups["op"].Value, match.Groups["value"].Value.Trim());
        if (op is not ("=" or "!=" or ">=" or "<=" or "in" or "exists"))
            return (null, $"'{op}' is not an operator; use one of =, !=, >=, <=, in, exists");
        if (op == "exists")
            return rest is "" or "true" or "false"
                ? (new(field, op, rest.Length == 0 ? [] : [rest]), null)
                : (null, $"'exists' takes no value, true or false, not '{rest}'");

        string[] values = op == "in" ? [.. List(rest).Select(Unquote)] : [Unquote(rest)];
        if (values.Length == 0 || values.Any(v => v.Length == 0))
            return (null, $"'{text}' has no value after '{op}'; write FIELD {op} VALUE");
        return op is ">=" or "<=" && Number(values[0]) is null && Time(values[0]) is null
            ? (null, $"'{op}' compares numbers and dates, and '{values[0]}' is neither")
            : (new(field, op, values), null);
    }

    private static string[] List(string text) =>
        (text.StartsWith('[') && text.EndsWith(']') ? text[1..^1] : text).Split(',', StringSplitOptions.TrimEntries);

    private static string Unquote(string text) =>
        text.Length >= 2 && text[0] is '"' or '\'' && text[^1] == text[0] ? text[1..^1] : text;

    private static bool Same(string value, string other) =>
        Number(value) is { } a && Number(other) is { } b ? a == b : string.Equals(value, other, StringComparison.OrdinalIgnoreCase);

    private static int? Compare(string value, string other) =>
        Number(value) is { } a && Number(other) is { } b ? a.CompareTo(b)
        : Time(value) is { } t && Time(other) is { } u ? t.CompareTo(u)
        : null;

    private static decimal? Number(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;

    private static DateTimeOffset? Time(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;

    [GeneratedRegex(@"\A\s*(?<field>[A-Za-z_][A-Za-z0-9_.-]*)\s*(?:(?<op>[=!<>~]+)|(?<=\s)(?<op>[A-Za-z_]+)(?!\S))(?<value>.*)\z", RegexOptions.CultureInvariant)]
    private static partial Regex Shape();
}
