using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit.Simulators.Salesforce;

/// <summary>A refusal in the vendor's shape.</summary>
public sealed class VendorRefusalException(int status, string code, string message, params string[] fields) : Exception(message)
{
    /// <summary>HTTP status.</summary>
    public int Status { get; } = status;
    /// <summary>The vendor's code.</summary>
    public string Code { get; } = code;
    /// <summary>Fields that it is about.</summary>
    public IReadOnlyList<string> Fields { get; } = fields;
}

/// <summary>A parsed query: the subset of SOQL that is known here. Whatever else comes is refused, as a typing error would be.</summary>
public sealed record SoqlQuery(IReadOnlyList<string> Fields, IReadOnlyList<SoqlQuery> Children, string From, SoqlCondition? Where, string? OrderBy, bool Descending, int? Limit);

/// <summary>A condition. A closed family.</summary>
public abstract record SoqlCondition
{
    private SoqlCondition() { }

    /// <summary>All hold.</summary>
    public sealed record All(IReadOnlyList<SoqlCondition> Parts) : SoqlCondition;

    /// <summary>One holds.</summary>
    public sealed record Any(IReadOnlyList<SoqlCondition> Parts) : SoqlCondition;

    /// <summary>A field against values: <c>=</c>, <c>!=</c>, <c>LIKE</c>, <c>IN</c>.</summary>
    public sealed record Compare(string Field, string Op, IReadOnlyList<SoqlValue> Values) : SoqlCondition;

    /// <summary>A field that no row of another query has.</summary>
    public sealed record NotIn(string Field, SoqlQuery Query) : SoqlCondition;
}

/// <summary>A literal: quoted text, or a bare word such as a number, a time, true or null.</summary>
/// <param name="Text">The text, unescaped; for <c>LIKE</c> with escaped wildcards kept as characters of their own.</param>
/// <param name="Quoted">Whether it stood in quotes.</param>
public sealed record SoqlValue(string Text, bool Quoted);

/// <summary>Reads SOQL.</summary>
public sealed partial class SoqlParser
{
    /// <summary>What an escaped wildcard is kept as, so that it is not taken for a wildcard.</summary>
    internal const char Percent = '\uE000', Underscore = '\uE001';

    private readonly List<(string Text, bool Quoted)> tokens = [];
    private int at;

    private SoqlParser(string text)
    {
        var position = 0;
        while (position < text.Length)
        {
            if (char.IsWhiteSpace(text[position]))
            {
                position++;
            }
            else if (text[position] == '\'')
            {
                tokens.Add((Quoted(text, ref position), true));
            }
            else if (Token().Match(text, position) is { Success: true } match && match.Index == position)
            {
                tokens.Add((match.Value, false));
                position += match.Length;
            }
            else
            {
                throw Malformed($"unexpected character at {position.ToString(CultureInfo.InvariantCulture)}");
            }
        }
    }

    /// <summary>Reads a query.</summary>
    /// <exception cref="VendorRefusalException">It is none, as far as is known here.</exception>
    public static SoqlQuery Parse(string text)
    {
        var parser = new SoqlParser(text);
        var query = parser.Select();
        return parser.at == parser.tokens.Count ? query : throw Malformed($"unexpected token: '{parser.tokens[parser.at].Text}'");
    }

    // Any escape that the vendor does not know is an error, and so is a quote that does not end.
    private static string Quoted(string text, ref int position)
    {
        var value = new StringBuilder();
        for (position++; position < text.Length; position++)
        {
            switch (text[position])
            {
                case '\'':
                    position++;
                    return value.ToString();
                case '\n' or '\r':
                    throw Malformed("line breaks not allowed in string literals");
                case '\\':
                    position++;
                    var escape = position < text.Length ? text[position] : throw Malformed("unterminated string");
                    _ = escape switch
                    {
                        'n' or 'N' => value.Append('\n'),
                        'r' or 'R' => value.Append('\r'),
                        't' or 'T' => value.Append('\t'),
                        'b' or 'B' => value.Append('\b'),
                        'f' or 'F' => value.Append('\f'),
                        '\\' or '\'' or '"' => value.Append(escape),
                        // Only LIKE knows these; see Value.
                        '%' => value.Append(Percent),
                        '_' => value.Append(Underscore),
                        'u' when position + 4 < text.Length && ushort.TryParse(text.AsSpan(position + 1, 4), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var code) => value.Append((char)code),
                        _ => throw Malformed("Invalid string literal. Illegal character sequence"),
                    };
                    if (escape == 'u')
                        position += 4;
                    break;
                default:
                    value.Append(text[position]);
                    break;
            }
        }
        throw Malformed("unterminated string");
    }

    private SoqlQuery Select()
    {
        Expect("SELECT");
        var (fields, children) = (new List<string>(), new List<SoqlQuery>());
        do
        {
            if (Is("("))
            {
                at++;
                children.Add(Select());
                Expect(")");
            }
            else
            {
                fields.Add(Word());
            }
        }
        while (Accept(","));
        Expect("FROM");
        var from = Word();
        var where = Accept("WHERE") ? Conditions() : null;
        string? order = null;
        var descending = false;
        if (Accept("ORDER"))
        {
            Expect("BY");
            order = Word();
            descending = Accept("DESC");
            if (!descending)
                _ = Accept("ASC");
        }
        int? limit = Accept("LIMIT") ? int.TryParse(Word(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : throw Malformed("LIMIT needs a number") : null;
        return new SoqlQuery(fields, children, from, where, order, descending, limit);
    }

    private SoqlCondition Conditions()
    {
        var parts = new List<SoqlCondition> { Condition() };
        if (Is("AND") && !Is("OR"))
        {
            while (Accept("AND"))
                parts.Add(Condition());
            if (Is("OR"))
                throw Malformed("unexpected token: 'OR'");
            return new SoqlCondition.All(parts);
        }
        while (Accept("OR"))
            parts.Add(Condition());
        return Is("AND") ? throw Malformed("unexpected token: 'AND'") : parts is [var only] ? only : new SoqlCondition.Any(parts);
    }

    private SoqlCondition Condition()
    {
        if (Accept("("))
        {
            var inner = Conditions();
            Expect(")");
            return inner;
        }
        var field = Word();
        if (Accept("NOT"))
        {
            Expect("IN");
            Expect("(");
            var query = Select();
            Expect(")");
            return new SoqlCondition.NotIn(field, query);
        }
        if (Accept("IN"))
        {
            Expect("(");
            var values = new List<SoqlValue>();
            do
                values.Add(Value());
            while (Accept(","));
            Expect(")");
            return new SoqlCondition.Compare(field, "IN", values);
        }
        var op = Word().ToUpperInvariant();
        return op is "=" or "!=" or "LIKE" ? new SoqlCondition.Compare(field, op, [Value(op == "LIKE")]) : throw Malformed($"unknown operator '{op}'");
    }

    private SoqlValue Value(bool like = false)
    {
        if (at >= tokens.Count)
            throw Malformed("unexpected end");
        var (text, quoted) = tokens[at++];
        if (!like && text.AsSpan().ContainsAny(Percent, Underscore))
            throw Malformed("Invalid string literal. Illegal character sequence");
        return quoted || Literal().IsMatch(text) ? new SoqlValue(text, quoted) : throw Malformed($"unexpected token: '{text}'");
    }

    private bool Is(string word) => at < tokens.Count && !tokens[at].Quoted && string.Equals(tokens[at].Text, word, StringComparison.OrdinalIgnoreCase);

    private bool Accept(string word)
    {
        if (!Is(word))
            return false;
        at++;
        return true;
    }

    private void Expect(string word)
    {
        if (!Accept(word))
            throw Malformed($"expecting '{word}'");
    }

    private string Word() => at < tokens.Count && !tokens[at].Quoted && tokens[at].Text is not ("," or "(" or ")") ? tokens[at++].Text : throw Malformed("unexpected token");

    private static VendorRefusalException Malformed(string why) => new(400, "MALFORMED_QUERY", why);

    [GeneratedRegex(@"\G(?:[(),]|!=|=|[A-Za-z0-9_.:+-]+)")]
    private static partial Regex Token();

    [GeneratedRegex(@"\A(?:true|false|null|-?[0-9.]+|\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)\z", RegexOptions.IgnoreCase)]
    private static partial Regex Literal();
}
