using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace LeadPipeline.TestKit.Simulators.Salesforce;

/// <summary>One record of the org.</summary>
internal sealed class OrgRow(string type, string id)
{
    public string Type { get; } = type;
    public string Id { get; } = id;
    public int Order { get; init; }
    public bool Deleted { get; set; }
    public Dictionary<string, JsonNode?> Values { get; init; } = new(StringComparer.OrdinalIgnoreCase);

    public string? Text(string field) => Values.GetValueOrDefault(field)?.GetValueKind() == JsonValueKind.String ? Values[field]!.GetValue<string>() : null;

    public OrgRow Copy() => new(Type, Id) { Order = Order, Deleted = Deleted, Values = Values.ToDictionary(v => v.Key, v => v.Value?.DeepClone(), StringComparer.OrdinalIgnoreCase) };
}

/// <summary>The org's records and rules: what it takes, what it refuses, and what it does on its own accord. Knows no HTTP.</summary>
internal sealed class SalesforceOrg(TimeProvider time)
{
    private Dictionary<string, OrgRow> rows = [];
    private int ids;

    public Dictionary<string, Dictionary<string, OrgField>> Schema { get; } = SalesforceSchema.New();

    /// <summary>The user as whom the next change is made.</summary>
    public string Actor { get; set; } = "";

    /// <summary>Where leads go that an assignment rule gets hold of; null: there is no rule.</summary>
    public string? AssignTo { get; set; }

    /// <summary>Whether a duplicate rule refuses a lead whose address another one has.</summary>
    public bool DuplicateRule { get; set; }

    public IEnumerable<OrgRow> All => rows.Values.OrderBy(r => r.Order);

    public IEnumerable<OrgRow> Live(string type) => All.Where(r => !r.Deleted && r.Type.Equals(type, StringComparison.OrdinalIgnoreCase));

    public Dictionary<string, OrgRow> Snapshot() => rows.ToDictionary(r => r.Key, r => r.Value.Copy());

    public void Restore(Dictionary<string, OrgRow> snapshot) => rows = snapshot;

    public Dictionary<string, OrgField> Fields(string type) =>
        Schema.TryGetValue(type, out var fields) ? fields : throw new VendorRefusalException(404, "NOT_FOUND", "The requested resource does not exist");

    public OrgRow Row(string type, string id)
    {
        var key = Key(id) ?? throw new VendorRefusalException(400, "MALFORMED_ID", $"malformed id {id}");
        if (!rows.TryGetValue(key, out var row) || !row.Type.Equals(type, StringComparison.OrdinalIgnoreCase))
            throw new VendorRefusalException(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + id);
        return row.Deleted ? throw new VendorRefusalException(404, "ENTITY_IS_DELETED", "entity is deleted") : row;
    }

    public OrgRow? Find(string id) => Key(id) is { } key ? rows.GetValueOrDefault(key) : null;

    /// <summary>Makes a record without asking any rule, as if it had been there for long.</summary>
    public OrgRow Insert(string type, IEnumerable<KeyValuePair<string, JsonNode?>> values)
    {
        type = Schema.Keys.First(k => k.Equals(type, StringComparison.OrdinalIgnoreCase));
        var bare = string.Create(CultureInfo.InvariantCulture, $"{SalesforceSchema.Prefixes[type]}Sim{++ids:D9}");
        var row = new OrgRow(type, bare + Suffix(bare)) { Order = ids };
        row.Values["Id"] = row.Id;
        foreach (var (field, value) in values)
            row.Values[field] = value?.DeepClone();
        row.Values["CreatedDate"] = Now();
        if (type == "Lead")
        {
            _ = row.Values.TryAdd("Status", "Open - Not Contacted");
            _ = row.Values.TryAdd("IsConverted", false);
        }
        if (Schema[type].ContainsKey("OwnerId"))
            _ = row.Values.TryAdd("OwnerId", Actor);
        if (type == "Task")
            _ = row.Values.TryAdd("Status", "Not Started");
        Touch(row);
        rows[row.Id[..15]] = row;
        return row;
    }

    public OrgRow Create(string type, JsonObject body, IReadOnlyDictionary<string, string> headers)
    {
        var fields = Fields(type);
        Check(type, null, body);
        var missing = fields.Values.Where(f => f.Required && Missing(body, f.Name)).Select(f => f.Name).ToArray();
        if (missing.Length > 0)
            throw new VendorRefusalException(400, "REQUIRED_FIELD_MISSING", $"Required fields are missing: [{string.Join(", ", missing)}]", missing);
        if (DuplicateRule && type.Equals("Lead", StringComparison.OrdinalIgnoreCase) && !AllowsDuplicates(headers)
            && body["Email"] is { } email && Live("Lead").FirstOrDefault(r => string.Equals(r.Text("Email"), email.GetValue<string>(), StringComparison.OrdinalIgnoreCase)) is { } twin)
        {
            throw new VendorRefusalException(400, "DUPLICATES_DETECTED", "Use one of these records?") { Data = { ["twin"] = twin.Id } };
        }
        var row = Insert(type, body);
        Assign(row, headers);
        return row;
    }

    public void Update(OrgRow row, JsonObject body, IReadOnlyDictionary<string, string> headers)
    {
        if (row.Values.GetValueOrDefault("IsConverted")?.GetValueKind() == JsonValueKind.True)
            throw new VendorRefusalException(400, "CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead");
        Check(row.Type, row, body);
        foreach (var (field, value) in body)
            row.Values[field] = value?.DeepClone();
        Assign(row, headers);
        Touch(row);
    }

    /// <summary>Moves a record to the recycle bin, with what belongs to it.</summary>
    public void Delete(OrgRow row)
    {
        row.Deleted = true;
        foreach (var other in rows.Values.Where(r => !r.Deleted))
        {
            foreach (var field in Schema[other.Type].Values.Where(f => f.Type == FieldType.Reference && other.Text(f.Name) == row.Id))
            {
                var owned = (row.Type, other.Type, field.Name) is ("Account", "Contact" or "Opportunity", "AccountId") or ("Lead" or "Contact", "Task", "WhoId") or (_, "Task", "WhatId") or (_, "CampaignMember", _);
                if (owned && !other.Deleted)
                    Delete(other);
                else
                    other.Values[field.Name] = null;
            }
        }
    }

    /// <summary>Turns a lead into a contact.</summary>
    public (string Contact, string Account) Convert(string lead, string account, string? owner, string status)
    {
        var row = Row("Lead", lead);
        if (row.Values["IsConverted"]!.GetValue<bool>())
            throw new VendorRefusalException(500, "CANNOT_UPDATE_CONVERTED_LEAD", "lead is converted already");
        if (!Live("LeadStatus").Any(s => s.Text("MasterLabel") == status && s.Values["IsConverted"]!.GetValue<bool>()))
            throw new VendorRefusalException(500, "INVALID_STATUS", "invalid convertedStatus: " + status);
        var to = Row("Account", account);
        var contact = Insert("Contact", new JsonObject
        {
            ["LastName"] = row.Text("LastName"), ["FirstName"] = row.Text("FirstName"), ["Email"] = row.Text("Email"), ["AccountId"] = to.Id, ["OwnerId"] = owner ?? row.Text("OwnerId"),
        });
        row.Values["IsConverted"] = true;
        row.Values["Status"] = status;
        row.Values["ConvertedContactId"] = contact.Id;
        row.Values["ConvertedAccountId"] = to.Id;
        Touch(row);
        return (contact.Id, to.Id);
    }

    public void Touch(OrgRow row)
    {
        row.Values["LastModifiedDate"] = Now();
        row.Values["SystemModstamp"] = Now();
        row.Values["LastModifiedById"] = Actor;
        if (row.Type == "Opportunity")
            row.Values["IsClosed"] = row.Text("StageName")?.StartsWith("Closed", StringComparison.Ordinal) == true;
        if (row.Type == "Task")
            row.Values["IsClosed"] = row.Text("Status") == "Completed";
    }

    /// <summary>The 15 characters by which an id is known, when it is well formed.</summary>
    public static string? Key(string id) =>
        id.Length is 15 or 18 && id.All(char.IsAsciiLetterOrDigit) && (id.Length == 15 || id[15..].Equals(Suffix(id[..15]), StringComparison.OrdinalIgnoreCase)) ? id[..15] : null;

    private static string Suffix(string id) => string.Concat(Enumerable.Range(0, 3).Select(chunk =>
        "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"[Enumerable.Range(0, 5).Sum(i => char.IsAsciiLetterUpper(id[(chunk * 5) + i]) ? 1 << i : 0)]));

    private string Now() => time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'.000+0000'", CultureInfo.InvariantCulture);

    private void Assign(OrgRow row, IReadOnlyDictionary<string, string> headers)
    {
        // TRUE is the vendor's default, for changes as for new records.
        if (AssignTo is { } owner && row.Type == "Lead" && !(headers.TryGetValue("Sforce-Auto-Assign", out var assign) && assign.Equals("FALSE", StringComparison.OrdinalIgnoreCase)))
            row.Values["OwnerId"] = owner;
    }

    private static bool AllowsDuplicates(IReadOnlyDictionary<string, string> headers) =>
        headers.TryGetValue("Sforce-Duplicate-Rule-Header", out var rule) && rule.Contains("allowSave=true", StringComparison.OrdinalIgnoreCase);

    private static bool Missing(JsonObject body, string field) =>
        !body.Any(b => b.Key.Equals(field, StringComparison.OrdinalIgnoreCase) && b.Value is not null && !(b.Value.GetValueKind() == JsonValueKind.String && b.Value.GetValue<string>().Length == 0));

    private void Check(string type, OrgRow? row, JsonObject body)
    {
        var fields = Fields(type);
        foreach (var (name, value) in body)
        {
            if (!fields.TryGetValue(name, out var field))
                throw new VendorRefusalException(400, "INVALID_FIELD", $"No such column '{name}' on sobject of type {type}");
            if (row is null ? !field.Createable : !field.Updateable)
                throw new VendorRefusalException(400, "INVALID_FIELD_FOR_INSERT_UPDATE", $"Unable to create/update fields: {name}. Please check the security settings of this field", name);
            if (row is not null && field.Required && Missing(body, name))
                throw new VendorRefusalException(400, "REQUIRED_FIELD_MISSING", $"Required fields are missing: [{name}]", name);
            if (value is not null)
                CheckValue(type, row, field, value);
        }
        string? After(string field) => body.ContainsKey(field) ? body[field]?.GetValue<string>() : row?.Text(field);
        if (type.Equals("Task", StringComparison.OrdinalIgnoreCase) && After("WhatId") is not null && After("WhoId")?.StartsWith("00Q", StringComparison.Ordinal) == true)
            throw new VendorRefusalException(400, "FIELD_INTEGRITY_EXCEPTION", "WhatId must be null when WhoId is a lead", "WhatId");
        if (row is null && type.Equals("CampaignMember", StringComparison.OrdinalIgnoreCase) && Live(type).Any(m => m.Text("CampaignId") == After("CampaignId") && m.Text("LeadId") == After("LeadId")))
            throw new VendorRefusalException(400, "DUPLICATE_VALUE", "Already a campaign member.");
    }

    private void CheckValue(string type, OrgRow? row, OrgField field, JsonNode value)
    {
        var kind = value.GetValueKind();
        var fits = field.Type switch
        {
            FieldType.Double => kind == JsonValueKind.Number,
            FieldType.Int => kind == JsonValueKind.Number && !value.ToJsonString().Contains('.'),
            FieldType.Boolean => kind is JsonValueKind.True or JsonValueKind.False,
            _ => kind == JsonValueKind.String,
        };
        if (!fits)
            throw new VendorRefusalException(400, "JSON_PARSER_ERROR", $"Cannot deserialize instance of {field.Type} from {kind} value for {field.Name}");
        if (kind != JsonValueKind.String)
            return;
        var text = value.GetValue<string>();
        if (field.Length > 0 && text.Length > field.Length)
            throw new VendorRefusalException(400, "STRING_TOO_LONG", $"{field.Name}: data value too large: (max length={field.Length.ToString(CultureInfo.InvariantCulture)})", field.Name);
        switch (field.Type)
        {
            case FieldType.Email when !Regex.IsMatch(text, @"\A[^@\s]+@[^@\s]+\.[^@\s]+\z"):
                throw new VendorRefusalException(400, "INVALID_EMAIL_ADDRESS", $"{field.Name}: invalid email address: {text}", field.Name);
            case FieldType.Date when !DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _):
                throw new VendorRefusalException(400, "JSON_PARSER_ERROR", $"Cannot deserialize instance of date from VALUE_STRING value {text}");
            case FieldType.DateTime when !Regex.IsMatch(text, @"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)\z"):
                throw new VendorRefusalException(400, "JSON_PARSER_ERROR", $"Cannot deserialize instance of datetime from VALUE_STRING value {text}");
            case FieldType.Picklist when field.Values.Count > 0 && !field.Values.Contains(text, StringComparer.OrdinalIgnoreCase):
                throw new VendorRefusalException(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", $"{field.Name}: bad value for restricted picklist field: {text}", field.Name);
            case FieldType.Reference:
                if (Key(text) is null)
                    throw new VendorRefusalException(400, "MALFORMED_ID", $"{field.Name}: id value of incorrect type: {text}", field.Name);
                if (Find(text) is not { Deleted: false } target || !field.Targets.Contains(target.Type))
                    throw new VendorRefusalException(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", field.Name);
                break;
        }
        if (field.Unique && Live(type).FirstOrDefault(r => r != row && string.Equals(r.Text(field.Name), text, StringComparison.OrdinalIgnoreCase)) is { } other)
            throw new VendorRefusalException(400, "DUPLICATE_VALUE", $"duplicate value found: {field.Name} duplicates value on record with id: {other.Id}", field.Name);
    }
}
