using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit.Simulators.Salesforce;

/// <summary>Runs a query over the org, and refuses what the vendor refuses about it.</summary>
internal sealed class SoqlRun(SalesforceOrg org, string version)
{
    /// <summary>The answer of the query resource.</summary>
    public JsonObject Run(string text)
    {
        var query = SoqlParser.Parse(text);
        return Result(query, Rows(query, query.From));
    }

    private static JsonObject Result(SoqlQuery query, JsonArray records) => new() { ["totalSize"] = records.Count, ["done"] = true, ["records"] = records };

    private JsonArray Rows(SoqlQuery query, string type, OrgRow? parent = null)
    {
        var fields = FieldsOf(type);
        foreach (var field in query.Fields)
            _ = Field(fields, field, type);
        var found = org.Live(type).Where(r => parent is null || r.Text("AccountId") == parent.Id).Where(r => query.Where is null || Holds(query.Where, r, fields)).ToList();
        Prove(query.Where, fields, type);
        if (query.OrderBy is { } order)
        {
            _ = Field(fields, order, type);
            found = [.. found.OrderBy(r => r.Text(order) ?? r.Values.GetValueOrDefault(order)?.ToJsonString(), StringComparer.Ordinal)];
            if (query.Descending)
                found.Reverse();
        }
        if (query.Limit is { } limit)
            found = [.. found.Take(limit)];
        return new JsonArray([.. found.Select(r => (JsonNode)Shape(query, r))]);
    }

    private JsonObject Shape(SoqlQuery query, OrgRow row)
    {
        var shaped = new JsonObject { ["attributes"] = new JsonObject { ["type"] = row.Type, ["url"] = $"/services/data/{version}/sobjects/{row.Type}/{row.Id}" } };
        foreach (var field in query.Fields)
            shaped[org.Schema[row.Type][field].Name] = row.Values.GetValueOrDefault(field)?.DeepClone();
        foreach (var child in query.Children)
        {
            if (row.Type != "Account" || !child.From.Equals("Opportunities", StringComparison.OrdinalIgnoreCase))
                throw new VendorRefusalException(400, "INVALID_TYPE", $"Didn't understand relationship '{child.From}' in FROM part of query call");
            var children = Rows(child, "Opportunity", row);
            shaped["Opportunities"] = children.Count == 0 ? null : Result(child, children);
        }
        return shaped;
    }

    private Dictionary<string, OrgField> FieldsOf(string type) =>
        org.Schema.TryGetValue(type, out var fields) ? fields : throw new VendorRefusalException(400, "INVALID_TYPE", $"sObject type '{type}' is not supported.");

    private static OrgField Field(Dictionary<string, OrgField> fields, string name, string type) =>
        fields.TryGetValue(name, out var field) ? field : throw new VendorRefusalException(400, "INVALID_FIELD", $"No such column '{name}' on entity '{type}'");

    // Faults of the query show whether or not a row comes to be looked at.
    private void Prove(SoqlCondition? condition, Dictionary<string, OrgField> fields, string type)
    {
        switch (condition)
        {
            case SoqlCondition.All all:
                foreach (var part in all.Parts)
                    Prove(part, fields, type);
                if (all.Parts.Count(p => p is SoqlCondition.NotIn) > 2)
                    throw new VendorRefusalException(400, "MALFORMED_QUERY", "Maximum 2 semi join sub-selects are allowed");
                break;
            case SoqlCondition.Any any:
                foreach (var part in any.Parts)
                    Prove(part, fields, type);
                if (any.Parts.Any(p => p is SoqlCondition.NotIn))
                    throw new VendorRefusalException(400, "MALFORMED_QUERY", "Semi join sub-selects are not allowed with the 'OR' operator");
                break;
            case SoqlCondition.NotIn not:
                _ = Field(fields, not.Field, type);
                Prove(not.Query.Where, FieldsOf(not.Query.From), not.Query.From);
                break;
            case SoqlCondition.Compare compare:
                var field = Field(fields, compare.Field, type);
                if (!field.Filterable)
                    throw new VendorRefusalException(400, "INVALID_FIELD", $"field '{field.Name}' can not be filtered in a query call");
                foreach (var value in compare.Values)
                    ProveValue(field, compare.Op, value);
                break;
        }
    }

    private static void ProveValue(OrgField field, string op, SoqlValue value)
    {
        var quoted = field.Type is FieldType.Text or FieldType.Email or FieldType.Picklist or FieldType.Reference;
        if (value.Text != "null" && value.Quoted != quoted)
            throw new VendorRefusalException(400, "INVALID_FIELD", $"value of filter criterion for field '{field.Name}' must be of type {field.Type} and should{(quoted ? "" : " not")} be enclosed in quotes");
        if (field.Type == FieldType.Reference && SalesforceOrg.Key(value.Text) is null)
            throw new VendorRefusalException(400, "INVALID_QUERY_FILTER_OPERATOR", $"invalid ID field: {value.Text}");
        if (op == "LIKE" && field.Type is not (FieldType.Text or FieldType.Email or FieldType.Picklist))
            throw new VendorRefusalException(400, "INVALID_QUERY_FILTER_OPERATOR", "invalid operator on id field");
    }

    private bool Holds(SoqlCondition condition, OrgRow row, Dictionary<string, OrgField> fields) => condition switch
    {
        SoqlCondition.All all => all.Parts.All(p => Holds(p, row, fields)),
        SoqlCondition.Any any => any.Parts.Any(p => Holds(p, row, fields)),
        SoqlCondition.NotIn not => !org.Live(not.Query.From).Where(r => not.Query.Where is null || Holds(not.Query.Where, r, FieldsOf(not.Query.From))).Any(r => r.Text(not.Query.Fields[0]) == row.Text(not.Field)),
        SoqlCondition.Compare { Op: "!=" } compare => !Equal(fields.GetValueOrDefault(compare.Field), row, compare.Values[0]),
        SoqlCondition.Compare { Op: "LIKE" } compare => Like(compare.Values[0].Text).IsMatch(row.Text(compare.Field) ?? ""),
        SoqlCondition.Compare compare => compare.Values.Any(v => Equal(fields.GetValueOrDefault(compare.Field), row, v)),
        _ => throw new InvalidOperationException("unknown condition"),
    };

    private static bool Equal(OrgField? field, OrgRow row, SoqlValue value)
    {
        var held = field is null ? null : row.Values.GetValueOrDefault(field.Name);
        if (held is null || (!value.Quoted && value.Text.Equals("null", StringComparison.OrdinalIgnoreCase)))
            return held is null && !value.Quoted && value.Text.Equals("null", StringComparison.OrdinalIgnoreCase);
        return (field!.Type, held.GetValueKind()) switch
        {
            (FieldType.Reference, _) => SalesforceOrg.Key(held.GetValue<string>()) == SalesforceOrg.Key(value.Text),
            (FieldType.DateTime, _) => DateTimeOffset.TryParse(value.Text, CultureInfo.InvariantCulture, out var wanted) && DateTimeOffset.Parse(held.GetValue<string>(), CultureInfo.InvariantCulture) == wanted,
            (_, JsonValueKind.String) => string.Equals(held.GetValue<string>(), value.Text, StringComparison.OrdinalIgnoreCase),
            (_, JsonValueKind.Number) => decimal.TryParse(value.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && held.GetValue<decimal>() == number,
            _ => string.Equals(held.ToJsonString(), value.Text, StringComparison.OrdinalIgnoreCase),
        };
    }

    private static Regex Like(string pattern)
    {
        var text = new System.Text.StringBuilder(@"\A");
        foreach (var character in pattern)
        {
            _ = character switch
            {
                SoqlParser.Percent => text.Append('%'),
                SoqlParser.Underscore => text.Append('_'),
                '%' => text.Append(".*"),
                '_' => text.Append('.'),
                _ => text.Append(Regex.Escape(character.ToString())),
            };
        }
        return new Regex(text.Append(@"\z").ToString(), RegexOptions.IgnoreCase | RegexOptions.Singleline | RegexOptions.CultureInvariant);
    }
}
