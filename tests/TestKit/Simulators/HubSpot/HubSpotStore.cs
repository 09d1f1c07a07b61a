using System.Globalization;
using System.Text.Json.Nodes;

namespace LeadPipeline.TestKit.Simulators.HubSpot;

/// <summary>A record in the simulated account.</summary>
public sealed class HubSpotRow(string type, string id)
{
    /// <summary>Its type: <c>contacts</c>, …</summary>
    public string Type => type;
    /// <summary>Its id.</summary>
    public string Id => id;
    /// <summary>Its properties; what is empty is absent.</summary>
    public Dictionary<string, string> Properties { get; } = [];
    /// <summary>Whether it is in the recycle bin.</summary>
    public bool Archived { get; set; }
    /// <summary>The number of the request from which on search knows it.</summary>
    public int SearchableFrom { get; set; }
    /// <summary>When it was changed last.</summary>
    public DateTimeOffset UpdatedAt { get; set; }
    /// <summary>When it was made.</summary>
    public DateTimeOffset CreatedAt { get; init; }
}

/// <summary>An error in HubSpot's words.</summary>
/// <param name="Status">HTTP status, when it is the answer's.</param>
/// <param name="Category">Its kind.</param>
/// <param name="Message">For people; repeats what was sent, as HubSpot does.</param>
/// <param name="Code">The detail's code; null: no detail.</param>
/// <param name="Property">The property that it is about.</param>
public sealed record HubSpotProblem(int Status, string Category, string Message, string? Code = null, string? Property = null);

/// <summary>The simulated account's records, associations and rules.</summary>
public sealed class HubSpotStore(Dictionary<string, Dictionary<string, HubSpotProperty>> properties)
{
    private readonly List<HubSpotRow> rows = [];
    private readonly HashSet<(string From, string To)> associations = [];
    private int ids = 100;

    /// <summary>All records, archived ones included. A copy: tests look while calls still do their work.</summary>
    public IReadOnlyList<HubSpotRow> Rows
    {
        get
        {
            lock (rows)
                return [.. rows];
        }
    }

    /// <summary>The clock of the records.</summary>
    public DateTimeOffset Now { get; set; } = new(2026, 3, 3, 10, 0, 0, TimeSpan.Zero);

    /// <summary>A live record of a type.</summary>
    public HubSpotRow? Find(string type, string id) => rows.Find(r => r.Type == type && r.Id == id && !r.Archived);

    /// <summary>A live record by a unique property.</summary>
    public HubSpotRow? Find(string type, string property, string value) => rows.Find(r => r.Type == type && !r.Archived && Same(r, property, value));

    /// <summary>Live records of a type that a record is associated with.</summary>
    public IEnumerable<HubSpotRow> Associated(string id, string type) => rows.Where(r => r.Type == type && !r.Archived && associations.Contains((id, r.Id)));

    /// <summary>Makes a record without asking anything.</summary>
    public HubSpotRow Add(string type, int searchableFrom = 0)
    {
        var row = new HubSpotRow(type, (++ids).ToString(CultureInfo.InvariantCulture)) { CreatedAt = Now, UpdatedAt = Now, SearchableFrom = searchableFrom };
        lock (rows)
            rows.Add(row);
        return row;
    }

    /// <summary>What is wrong with properties that are to be set; null: nothing.</summary>
    public HubSpotProblem? Check(string type, JsonObject? given, HubSpotRow? row)
    {
        if (given is null)
            return new(400, "VALIDATION_ERROR", "Invalid input JSON: properties is missing");
        foreach (var (name, node) in given)
        {
            if (!properties[type].TryGetValue(name, out var property))
                return new(400, "VALIDATION_ERROR", $"Property \"{name}\" does not exist", "PROPERTY_DOESNT_EXIST", name);
            if (node is not JsonValue text || !text.TryGetValue<string>(out var value))
                return new(400, "VALIDATION_ERROR", $"Invalid input JSON: cannot deserialize the value of \"{name}\"");
            var (taken, refusal) = property.Take(value, row?.Properties.GetValueOrDefault(name));
            if (refusal is not null)
                return new(400, "VALIDATION_ERROR", $"\"{value}\" was not valid for \"{name}\"", refusal, name);
            if (!property.Unique || taken!.Length == 0)
                continue;
            if (rows.Find(r => r.Type == type && !r.Archived && r != row && Same(r, name, taken)) is { } holder)
            {
                // Two ways of saying it: an e-mail address is known to contacts, any other unique value to the check of properties.
                return name == "email"
                    ? new(409, "CONFLICT", $"Contact already exists. Existing ID: {holder.Id}")
                    : new(400, "VALIDATION_ERROR", $"Property values were not valid: [{{\"isValid\":false,\"message\":\"{holder.Id} already has that value.\",\"error\":\"CONFLICTING_UNIQUE_VALUE\",\"name\":\"{name}\"}}]");
            }
        }
        var stage = given["dealstage"] ?? row?.Properties.GetValueOrDefault("dealstage");
        if (type == "deals" && row is null && (stage is null || given["pipeline"] is null))
            return new(400, "VALIDATION_ERROR", "A deal needs a pipeline and a stage", "REQUIRED_FIELD", "dealstage");
        return type is "tasks" or "notes" && row is null && given["hs_timestamp"] is null
            ? new(400, "VALIDATION_ERROR", "hs_timestamp is required", "REQUIRED_FIELD", "hs_timestamp")
            : null;
    }

    /// <summary>Sets properties that have been checked.</summary>
    public void Set(HubSpotRow row, JsonObject given)
    {
        foreach (var (name, node) in given)
        {
            var (value, _) = properties[row.Type][name].Take((string)node!, row.Properties.GetValueOrDefault(name));
            if (value!.Length == 0)
                row.Properties.Remove(name);
            else
                row.Properties[name] = value;
        }
        if (row.Type == "deals")
            row.Properties["hs_is_closed"] = row.Properties["dealstage"].StartsWith("closed", StringComparison.Ordinal) ? "true" : "false";
        Touch(row);
    }

    /// <summary>What is wrong with an association to be made; null: nothing.</summary>
    public HubSpotProblem? Check(string type, JsonNode? association, out string to)
    {
        to = "";
        if (association?["to"]?["id"] is not JsonValue id || association["types"] is not JsonArray { Count: > 0 } types)
            return new(400, "VALIDATION_ERROR", "Invalid input JSON: an association needs 'to' and 'types'");
        to = (string)id!;
        foreach (var spec in types)
        {
            if ((string?)spec?["associationCategory"] != "HUBSPOT_DEFINED" || spec["associationTypeId"] is not JsonValue number
                || !HubSpotAccount.AssociationTypes.TryGetValue((int)number, out var pair) || pair.From != type)
            {
                return new(400, "VALIDATION_ERROR", "One or more association types are not valid for these objects", "INVALID_ASSOCIATION");
            }
            if (Find(pair.To, to) is null)
                return new(404, "OBJECT_NOT_FOUND", $"{pair.To} {to} does not exist", "INVALID_ASSOCIATION");
        }
        return null;
    }

    /// <summary>Associates two records, both ways.</summary>
    public void Associate(string from, string to)
    {
        _ = associations.Add((from, to));
        _ = associations.Add((to, from));
        SeePrimary(from);
        SeePrimary(to);
    }

    /// <summary>Ends all associations between two records.</summary>
    public void Dissociate(string from, string to)
    {
        _ = associations.Remove((from, to));
        _ = associations.Remove((to, from));
        SeePrimary(from);
        SeePrimary(to);
    }

    /// <summary>Puts a record into the recycle bin.</summary>
    public void Archive(HubSpotRow row)
    {
        row.Archived = true;
        foreach (var contact in rows.Where(r => r.Type == "contacts" && associations.Contains((r.Id, row.Id))))
            SeePrimary(contact.Id);
    }

    // The first company becomes the primary one, and stays it as long as it is associated. Anything of the sort moves the time of change.
    private void SeePrimary(string id)
    {
        if (rows.Find(r => r.Id == id) is not { } row)
            return;
        Touch(row);
        if (row.Type != "contacts")
            return;
        var companies = Associated(id, "companies").Select(c => c.Id).ToList();
        if (row.Properties.TryGetValue("associatedcompanyid", out var now) && companies.Contains(now))
            return;
        if (companies.Count == 0)
            row.Properties.Remove("associatedcompanyid");
        else
            row.Properties["associatedcompanyid"] = companies[0];
    }

    private void Touch(HubSpotRow row) => row.UpdatedAt = Now = Now.AddMilliseconds(1);

    private static bool Same(HubSpotRow row, string property, string value) =>
        string.Equals(row.Properties.GetValueOrDefault(property), value, StringComparison.OrdinalIgnoreCase)
        || (property == "email" && (row.Properties.GetValueOrDefault("hs_additional_emails") ?? "").Split(';').Contains(value, StringComparer.OrdinalIgnoreCase));
}
