using System.Text.Json;
using System.Text.Json.Nodes;
using LeadPipeline.Worker.Privacy;

namespace LeadPipeline.Worker.Tests.Privacy;

public class RedactorTests
{
    private static readonly Redactor Masking = new(new PrivacyOptions(), []);

    [TestCase("email", "john.doe@acme.com", "j***@acme.com")]
    [TestCase("Work_Email", "john.doe@acme.com", "j***@acme.com")]
    [TestCase("email", "not an address", "n***")]
    [TestCase("phone", "+49 (30) 123-4567", "***4567")]
    [TestCase("mobile_phone", "123", "***")]
    [TestCase("firstName", "Anna", "A***")]
    [TestCase("name", "Anna  van Schmidt", "A*** v*** S***")]
    [TestCase("name", "😀x 太郎", "😀*** 太***")]
    [TestCase("street", "Main Street 1", "***")]
    [TestCase("zip", "10115", "***")]
    [TestCase("state", "Bavaria", "***")]
    [TestCase("state", "confirmed", "confirmed")]
    [TestCase("circuitState", "OPEN", "OPEN")]
    [TestCase("statement", "Bavaria", "Bavaria")]
    [TestCase("ssn", "123-45-6789", "***")]
    [TestCase("vatId", "DE123456789", "***")]
    [TestCase("company", "Prototype Labs", "Prototype Labs")]
    [TestCase("company", "Prototype Labs; SELECT", "Prototype Labs; SELECT")]
    [TestCase("title", "Head of 24/7 Support", "Head of 24/7 Support")]
    [TestCase("recordId", "12345678901", "12345678901")]
    [TestCase("externalId", "john@acme.com", "j***@acme.com")]
    public void Should_mask_by_the_exact_field_name(string field, string value, string expected)
    {
        var shown = Masking.Value(field, value);

        Assert.That(shown, Is.EqualTo(expected));
    }

    [TestCase("Write to john.doe@acme.com, please.", "Write to j***@acme.com, please.")]
    [TestCase("a@b.de b@c.de", "a***@b.de b***@c.de")]
    [TestCase("<jörg@bücher.de>.", "<j***@bücher.de>.")]
    [TestCase("Call +49 30 1234567 today", "Call ***4567 today")]
    [TestCase("Call (212) 555-0142.", "Call ***0142.")]
    [TestCase("0171/1234567 oder 030-1234567", "***4567 oder ***4567")]
    [TestCase("call 2125550142!", "call ***0142!")]
    [TestCase("SSN 123-45-6789", "SSN ***")]
    [TestCase("order 1234567890123456", "order 1234567890123456")]
    [TestCase("id 4b1f3d0e-8a62-4c57-9d0b-2f6f0c1e7a11", "id 4b1f3d0e-8a62-4c57-9d0b-2f6f0c1e7a11")]
    [TestCase("id 11111111-2222-5333-8444-555555555555", "id 11111111-2222-5333-8444-555555555555")]
    [TestCase("on 2026-01-15 at 10:30", "on 2026-01-15 at 10:30")]
    [TestCase("2026-01-15T10:30:00.1234567Z", "2026-01-15T10:30:00.1234567Z")]
    [TestCase("15.01.2026 - 16.01.2026", "15.01.2026 - 16.01.2026")]
    [TestCase("$ 12,500,000 and 12500000 units", "$ 12,500,000 and 12500000 units")]
    [TestCase("version 10.0.100.2", "version 10.0.100.2")]
    [TestCase("00Q5e00000AbCdEFGH", "00Q5e00000AbCdEFGH")]
    [TestCase("20 seats, 3 offices @ HQ", "20 seats, 3 offices @ HQ")]
    [TestCase("Prototype Labs", "Prototype Labs")]
    public void Should_search_prose(string text, string expected)
    {
        var shown = Masking.Text(text);

        Assert.That(shown, Is.EqualTo(expected));
    }

    [Test]
    public void Should_redact_a_tree_and_leave_the_original_alone()
    {
        var tree = JsonNode.Parse("""
            {"lead":{"email":"john@acme.com","name":"John Doe","phone":491711234567,"address":{"line":"Main St 1","country":"DE"},"tags":["x","call 0171 1234567"],"john@acme.com":1},
             "policy":{"name":"default"},"effects":[{"step":"a","state":"confirmed"}],"score":85,"ok":true,"none":null}
            """)!;
        var before = tree.ToJsonString();

        var shown = Masking.Redact(tree)!;

        using (Assert.EnterMultipleScope())
        {
            Assert.That(JsonNode.DeepEquals(shown, JsonNode.Parse("""
                {"lead":{"email":"j***@acme.com","name":"J*** D***","phone":"***4567","address":{"line":"***","country":"***"},"tags":["x","call ***4567"],"j***@acme.com":1},
                 "policy":{"name":"default"},"effects":[{"step":"a","state":"confirmed"}],"score":85,"ok":true,"none":null}
                """)), Is.True, shown.ToJsonString());
            Assert.That(tree.ToJsonString(), Is.EqualTo(before));
        }
    }

    [Test]
    public void Should_redact_elements_too()
    {
        var shown = Masking.Redact(JsonElement.Parse("""[{"lastName":"Doe"},"a@b.de",7]"""));

        Assert.That(shown.GetRawText(), Is.EqualTo("""[{"lastName":"D***"},"a***@b.de",7]"""));
    }

    [Test]
    public void Should_hash_with_the_key_so_that_equal_values_stay_equal()
    {
        var options = new PrivacyOptions { Strategy = RedactionStrategy.Hash };
        var one = new Redactor(options, [1]);
        var other = new Redactor(options, [2]);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(one.Value("email", "A@b.de"), Is.EqualTo(one.Value("email", "a@B.de ")).And.StartsWith("h:"));
            Assert.That(one.Value("email", "a@b.de"), Is.Not.EqualTo(other.Value("email", "a@b.de")));
            Assert.That(one.Text("to a@b.de"), Is.EqualTo("to a***@b.de"));
        }
    }

    [Test]
    public void Should_let_single_kinds_have_a_strategy_of_their_own()
    {
        var options = new PrivacyOptions { TruncateTo = 2, Strategies = { [PersonalDataKind.Name] = RedactionStrategy.Truncate } };
        var redactor = new Redactor(options, []);

        using (Assert.EnterMultipleScope())
        {
            Assert.That(redactor.Value("lastName", "Schmidt"), Is.EqualTo("Sc…"));
            Assert.That(redactor.Value("lastName", "Li"), Is.EqualTo("***"));
            Assert.That(redactor.Value("email", "a@b.de"), Is.EqualTo("a***@b.de"));
        }
    }

    [FsCheck.NUnit.Property]
    public bool Any_text_can_be_searched(string? text) => Masking.Text(text ?? "") is not null;
}
