using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using FsCheck;
using FsCheck.Fluent;
using LeadPipeline.Contracts;
using LeadPipeline.Worker.Intake;

namespace LeadPipeline.Worker.Tests.Intake;

public class LeadReaderTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private static ReadLead Read(string json, LeadOrigin? origin = null) =>
        LeadReader.Read(JsonElement.Parse(json), origin ?? new LeadOrigin("api"), Now);

    private static Lead Accept(string json, LeadOrigin? origin = null)
    {
        var read = Read(json, origin);
        Assert.That(read, Is.InstanceOf<ReadLead.Accepted>(), () => string.Join("; ", ((ReadLead.Refused)read).Errors));
        return ((ReadLead.Accepted)read).Lead;
    }

    private static IReadOnlyList<string> Warnings(string json) => ((ReadLead.Accepted)Read(json)).Warnings;

    private static string[] BadFields(string json) =>
        Read(json) is ReadLead.Refused refused ? [.. refused.Errors.Select(e => e.Field)] : [];

    [TestCase("""[]""", "$")]
    [TestCase("""null""", "$")]
    [TestCase("""12""", "$")]
    [TestCase("""{}""", "email")]
    [TestCase("""{"email":null}""", "email")]
    [TestCase("""{"email":"  "}""", "email")]
    [TestCase("""{"email":["a@b.de"]}""", "email")]
    [TestCase("""{"email":"a@b.de","email":"a@b.de"}""", "email")]
    [TestCase("""{"email":"a@b.de","x":1,"x":2}""", "x")]
    [TestCase("""{"email":"a@b.de","x":{"y":1,"y":2}}""", "x.y")]
    [TestCase("""{"email":"a@b.de","phone":4912345678}""", "phone")]
    [TestCase("""{"email":"a@b.de","company":{"name":"A"}}""", "company")]
    [TestCase("""{"email":"a@b.de","customFields":"x"}""", "customFields")]
    [TestCase("""{"email":"a@b.de","marketing":[1]}""", "marketing")]
    [TestCase("""{"email":"a@b.de","product":true}""", "product")]
    [TestCase("""{"email":"a@b.de","leadId":"12345"}""", "leadId")]
    [TestCase("""{"email":"a@b.de","leadId":"00000000-0000-0000-0000-000000000000"}""", "leadId")]
    [TestCase("""{"email":"a@b.de","receivedAt":"yesterday"}""", "receivedAt")]
    [TestCase("""{"email":"a@b.de","receivedAt":1767225600}""", "receivedAt")]
    [TestCase("""{"email":"a@b.de","name":"x\ud800"}""", "name")]
    [TestCase("""{"email":"a@b.de","title":"x\u0000y"}""", "title")]
    [TestCase("""{"email":"a@b.de","x\ud800":"y"}""", "(a member name)")]
    [TestCase("""{"email":"a@b.de","enrichment":{"company":"\udc00"}}""", "enrichment.company")]
    public void Should_name_the_field_that_is_wrong(string json, string field)
    {
        var bad = BadFields(json);

        Assert.That(bad, Is.EqualTo(new[] { field }));
    }

    [Test]
    public void Should_name_every_bad_field_at_once_with_a_remedy()
    {
        var read = (ReadLead.Refused)Read("""{"email":"no","phone":1,"company":[]}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(read.Errors.Select(e => e.Field), Is.EquivalentTo(new[] { "email", "phone", "company" }));
            Assert.That(read.Errors.Select(e => e.Remedy), Has.All.Not.Empty);
        }
    }

    [Test]
    public void Should_say_the_right_spelling_when_only_the_case_of_email_is_wrong()
    {
        var read = (ReadLead.Refused)Read("""{"Email":"a@b.de"}""");

        Assert.That(read.Errors.Single().Remedy, Does.Contain("instead of \"Email\""));
    }

    [TestCase("externalId", 200)]
    [TestCase("firstName", 100)]
    [TestCase("lastName", 100)]
    [TestCase("company", 200)]
    [TestCase("title", 150)]
    [TestCase("phone", 50)]
    [TestCase("website", 300)]
    [TestCase("country", 100)]
    [TestCase("campaignId", 100)]
    public void Should_refuse_a_field_that_is_one_character_too_long(string field, int limit)
    {
        var fits = BadFields($$"""{"email":"a@b.de","{{field}}":"{{new string('x', limit)}}"}""");
        var over = BadFields($$"""{"email":"a@b.de","{{field}}":"{{new string('x', limit + 1)}}"}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(fits, Is.Empty);
            Assert.That(over, Is.EqualTo(new[] { field }));
        }
    }

    [Test]
    public void Should_cut_a_long_message_without_halving_a_character()
    {
        var json = $$"""{"email":"a@b.de","message":"{{new string('x', 7999)}}😀 tail"}""";

        var lead = Accept(json);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead.Message, Is.EqualTo(new string('x', 7999)));
            Assert.That(Warnings(json), Has.Some.Contains("message"));
        }
    }

    [TestCase("  Acme \t", "Acme")]
    [TestCase("ＡＣＭＥ　①", "ACME 1")]
    [TestCase("Ac\u200Bme", "Acme")]
    [TestCase("\u202Eemca\u202C", "emca")]
    [TestCase("Ac\u0007me", "Acme")]
    [TestCase("Ac\nme", "Acme")]
    [TestCase("e\u200D\u0301", "é")]
    [TestCase("A  B", "A  B")]
    [TestCase("Hi\U000E0041", "Hi")]
    [TestCase("Zoë 😀", "Zoë 😀")]
    [TestCase("Prototype Labs; SELECT", "Prototype Labs; SELECT")]
    public void Should_normalise_text(string stated, string expected)
    {
        var lead = Accept(new JsonObject { ["email"] = "a@b.de", ["company"] = stated }.ToJsonString());

        Assert.That(lead.Company, Is.EqualTo(expected));
    }

    [Test]
    public void Should_keep_new_lines_and_tabs_in_the_message_only()
    {
        var lead = Accept("""{"email":"a@b.de","message":"one\r\n\ttwo\u2028three\u0007","title":"one\ntwo"}""");

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead.Message, Is.EqualTo("one\n\ttwo\nthree"));
            Assert.That(lead.Title, Is.EqualTo("onetwo"));
        }
    }

    [TestCase("John Doe", null, null, "John", "Doe")]
    [TestCase("  María-José  O’Brien ", null, null, "María-José", "O’Brien")]
    [TestCase("John Q. Doe III", null, null, "John Q.", "Doe III")]
    [TestCase("Ludwig van der Berg", null, null, "Ludwig", "van der Berg")]
    [TestCase("Doe, John", null, null, "John", "Doe")]
    [TestCase("John Doe, Jr.", null, null, "John", "Doe Jr.")]
    [TestCase("Dr. Karin Beispiel", null, null, "Karin", "Beispiel")]
    [TestCase("見本 太郎", null, null, "太郎", "見本")]
    [TestCase("山田太郎", null, null, null, "山田太郎")]
    [TestCase("Cher", null, null, "Cher", null)]
    [TestCase("Anna Maria Schmidt", "Anna", null, "Anna", "Maria Schmidt")]
    [TestCase("Anna Maria Schmidt", null, "Schmidt", "Anna Maria", "Schmidt")]
    [TestCase("Someone Else", "Anna", "Schmidt", "Anna", "Schmidt")]
    public void Should_split_a_name_only_where_its_parts_are_missing(string name, string? first, string? last, string? expectedFirst, string? expectedLast)
    {
        var lead = Accept(new JsonObject { ["email"] = "a@b.de", ["name"] = name, ["firstName"] = first, ["lastName"] = last }.ToJsonString());

        Assert.That((lead.FirstName, lead.LastName), Is.EqualTo((expectedFirst, expectedLast)));
    }

    [Test]
    public void Should_flatten_unknown_members_into_custom_fields()
    {
        var lead = Accept("""{"email":"a@b.de","budget":10.5,"vip":true,"utm":{"source":"x","deep":{"y":null,"z":2}},"tags":["a","b",3],"list":[{"a":1}],"customFields":{"Team size":"51–200"}}""");

        Assert.That(lead.CustomFields, Is.EquivalentTo(new Dictionary<string, string>
        {
            ["budget"] = "10.5",
            ["vip"] = "true",
            ["utm.source"] = "x",
            ["utm.deep.z"] = "2",
            ["tags"] = "a, b, 3",
            ["list"] = """[{"a":1}]""",
            ["Team size"] = "51–200",
        }));
    }

    [Test]
    public void Should_keep_fifty_custom_fields_and_say_that_there_were_more()
    {
        var json = "{\"email\":\"a@b.de\"," + string.Join(",", Enumerable.Range(0, 60).Select(i => $"\"f{i}\":\"{i}\"")) + "}";

        var lead = Accept(json);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead.CustomFields, Has.Count.EqualTo(50));
            Assert.That(Warnings(json), Has.Count.EqualTo(1).And.Some.Contains("50 custom fields"));
        }
    }

    [TestCase(true)]
    [TestCase(false)]
    public void Should_believe_the_door_and_not_the_body_about_trust(bool trusted)
    {
        var lead = Accept("""{"email":"a@b.de","trusted":true,"marketing":{"pageViews":40,"note":" x\u200b ","none":null},"product":{}}""", new LeadOrigin("queue", trusted));

        using (Assert.EnterMultipleScope())
        {
            Assert.That(lead.Trusted, Is.EqualTo(trusted));
            Assert.That(lead.Marketing!.ToJsonString(), Is.EqualTo("""{"pageViews":40,"note":"x"}"""));
            Assert.That(lead.Product, Is.Null);
            Assert.That(lead.CustomFields, Is.Empty);
            Assert.That(lead.Source, Is.EqualTo("queue"));
        }
    }

    [TestCase("2026-03-01T12:05:00Z", "2026-03-01T12:05:00Z")]
    [TestCase("2026-03-01T12:05:01Z", "2026-03-01T12:00:00Z")]
    [TestCase("2099-01-01", "2026-03-01T12:00:00Z")]
    [TestCase("2026-02-01T10:00:00", "2026-02-01T10:00:00Z")]
    [TestCase("2026-02-01T10:00:00.000000+02:00", "2026-02-01T08:00:00Z")]
    public void Should_replace_a_time_in_the_future_by_the_arrival(string stated, string expected)
    {
        var lead = Accept($$"""{"email":"a@b.de","receivedAt":"{{stated}}"}""");

        Assert.That(lead.ReceivedAt, Is.EqualTo(DateTimeOffset.Parse(expected)));
    }

    [Test]
    public void Should_outlive_the_document_that_it_was_read_from()
    {
        Lead lead;
        using (var document = JsonDocument.Parse("""{"email":"a@b.de","enrichment":{"revenue":1e300,"employees":12,"techStack":["AWS"]}}"""))
            lead = ((ReadLead.Accepted)LeadReader.Read(document.RootElement, new LeadOrigin("file", true), Now)).Lead;

        Assert.That(lead.Enrichment!.ToJsonString(), Is.EqualTo("""{"revenue":1e300,"employees":12,"techStack":["AWS"]}"""));
    }

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Reading_any_json_never_throws() => Prop.ForAll(AnyJson(), json =>
    {
        var read = Read(json);

        return read is ReadLead.Accepted || ((ReadLead.Refused)read).Errors.Count > 0;
    });

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public Property Reading_what_was_read_changes_nothing() => Prop.ForAll(AnyJson(), json =>
    {
        if (Read(json) is not ReadLead.Accepted first)
            return true;
        var again = Read(JsonSerializer.Serialize(first.Lead, ContractsJson.Default.Lead));

        return again is ReadLead.Accepted second && LeadDiff.Fields(first.Lead, second.Lead).Count == 0
            && second.Lead.LeadId == first.Lead.LeadId && second.Lead.ReceivedAt == first.Lead.ReceivedAt;
    });

    [FsCheck.NUnit.Property(MaxTest = 500)]
    public bool Cleaning_twice_is_cleaning_once(string? text, bool lines)
    {
        var once = LeadText.Clean(Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text ?? "")), lines);

        return LeadText.Clean(once, lines) == once;
    }

    private static readonly string[] Names =
        ["email", "name", "firstName", "company", "message", "receivedAt", "leadId", "externalId", "source", "customFields", "enrichment", "marketing", "trusted", "x", "é\u200b", ""];

    private static readonly string[] Texts =
        ["\"a@b.de\"", "\"Ä@bücher.DE\"", "\"a@xn--bcher-kva.de\"", "\"x\\ud800\"", "\"\\u0000\"", "\" \\u200b \"", "\"ﷺ ﬁ ½ Å İ\"", "\"2026-01-01\"", "\"3f2b8c1e-0d4a-4e6b-9a7c-5d1f2e3a4b5c\"",
         "null", "true", "1e999", "-0.0", "12345678901234567890123", "[]", "[1,[2]]", "\"e\\u200d\\u0301\\u0315\""];

    private static Arbitrary<string> AnyJson()
    {
        var text = Gen.OneOf(Gen.Elements(Texts), ArbMap.Default.GeneratorFor<string?>().Select(s => JsonSerializer.Serialize(s ?? "")));
        return Arb.From(Gen.Sized(size => Value(text, Math.Min(size, 3))).Select(v => v.StartsWith('{') && !v.Contains("\"email\":") && v.Length > 2 ? "{\"email\":\"a@b.de\"," + v[1..] : v));
    }

    private static Gen<string> Value(Gen<string> leaf, int depth)
    {
        if (depth == 0)
            return leaf;
        var member = from name in Gen.Elements(Names) from value in Gen.Frequency((4, leaf), (1, Value(leaf, depth - 1))) select $"{JsonSerializer.Serialize(name)}:{value}";
        return Gen.Frequency((6, member.ListOf().Select(m => "{" + string.Join(",", m.Take(8)) + "}")), (1, leaf));
    }
}
