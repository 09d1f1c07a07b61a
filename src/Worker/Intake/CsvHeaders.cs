using System.Collections.Frozen;
using System.Globalization;
using System.Text;

namespace LeadPipeline.Worker.Intake;

/// <summary>What the heads of a spreadsheet's columns mean, in the languages that lead lists come in.</summary>
internal static class CsvHeaders
{
    private static readonly FrozenDictionary<string, string> Names = new Dictionary<string, string[]>
    {
        ["leadId"] = ["leadid", "leaduuid"],
        ["externalId"] = ["externalid", "extid", "externeid", "recordid", "crmid", "id", "kundennummer", "referenz", "reference", "idexterne", "idexterno"],
        ["source"] = ["source", "leadsource", "quelle", "herkunft", "origine", "fuente", "origen", "fonte", "bron", "kalla", "zrodlo"],
        ["email"] = ["email", "emailaddress", "mail", "mailaddress", "workemail", "businessemail", "emailadresse", "mailadresse", "adressemail", "adresseemail", "courriel",
            "adresseelectronique", "correo", "correoelectronico", "direccionemail", "enderecodeemail", "mailadres", "skrzynkaemail", "eposta", "emailcim", "sahkoposti", "emailadres", "epost", "epostadress", "postaelettronica", "indirizzoemail", "adresemail", "メール", "メールアドレス", "邮箱", "电子邮件", "이메일", "почта", "электроннаяпочта"],
        ["firstName"] = ["firstname", "givenname", "forename", "first", "vorname", "prenom", "nombre", "nome", "voornaam", "fornamn", "imie", "jmeno", "keresztnev", "roepnaam", "primernombre", "primeironome", "etunimi", "名", "имя"],
        ["lastName"] = ["lastname", "surname", "familyname", "last", "nachname", "familienname", "zuname", "nom", "nomdefamille", "apellido", "apellidos", "cognome", "sobrenome", "apelido",
            "achternaam", "familienaam", "efternamn", "etternavn", "nazwisko", "prijmeni", "vezeteknev", "soyad", "primerapellido", "ultimonome", "sukunimi", "姓", "фамилия"],
        ["name"] = ["name", "fullname", "contactname", "contact", "kontakt", "ansprechpartner", "nomcomplet", "nombrecompleto", "nomecompleto", "nomeecognome", "naam", "volledigenaam", "namn", "imieinazwisko", "vollername", "nomprenom", "nombreyapellidos", "氏名", "姓名", "이름", "фио"],
        ["company"] = ["company", "companyname", "organisation", "organization", "account", "accountname", "employer", "firma", "firmenname", "unternehmen", "societe", "entreprise", "empresa",
            "compania", "azienda", "societa", "ragionesociale", "bedrijf", "bedrijfsnaam", "nomdelentreprise", "raisonsociale", "nombredeempresa", "nombredelaempresa", "nomedaempresa", "nomeazienda", "przedsiebiorstwo", "nazwafirmy", "spolka", "podnik", "organisatie", "foretag", "yritys", "会社", "会社名", "公司", "회사", "компания"],
        ["title"] = ["title", "jobtitle", "position", "role", "funktion", "berufsbezeichnung", "stelle", "poste", "fonction", "cargo", "puesto", "ruolo", "functie", "stanowisko", "funktionsbezeichnung", "intituleduposte", "qualifica", "posizione", "funcao", "puestodetrabajo", "functietitel", "pozice", "rola", "役職", "职位", "직함", "должность"],
        ["phone"] = ["phone", "phonenumber", "telephone", "tel", "mobile", "mobilephone", "cell", "telefon", "telefonnummer", "handy", "rufnummer", "numerodetelephone", "portable", "telefono",
            "telefone", "celular", "cellulare", "telefoon", "telefoonnummer", "numertelefonu", "telefonu", "komorka", "tlf", "numerodetelefono", "numeroditelefono", "numerodetelefone", "mobil", "mobilnummer", "movil", "telemovel", "puhelin", "電話", "電話番号", "电话", "전화", "телефон"],
        ["website"] = ["website", "url", "web", "homepage", "webseite", "webpage", "internet", "siteweb", "site", "sitioweb", "sitoweb", "sito", "hemsida", "stronawww", "strona", "stronainternetowa", "paginaweb", "internetseite", "сайт"],
        ["country"] = ["country", "countryname", "land", "pays", "pais", "paese", "kraj", "maa", "zeme", "orszag", "国", "国家", "국가", "страна"],
        ["message"] = ["message", "comments", "comment", "note", "notes", "description", "nachricht", "bemerkung", "bemerkungen", "kommentar", "anmerkung", "commentaire", "remarque", "mensaje",
            "comentario", "comentarios", "mensagem", "messaggio", "bericht", "opmerking", "wiadomosc", "uwagi", "komentarz", "observacoes", "observaciones", "osservazioni", "meddelande", "メッセージ", "留言", "메시지", "сообщение"],
        ["campaignId"] = ["campaignid", "campaign", "kampagne", "kampagnenid", "campagne", "idcampagne", "campana", "campanha", "campagna", "kampania", "campaignname", "campagnenaam"],
        ["receivedAt"] = ["receivedat", "received", "createdat", "created", "timestamp", "submittedat", "eingegangenam", "erstelltam", "anlagedatum", "datecreated", "createddate", "creationdate", "submissiondate", "recule", "datedecreation", "creele", "recibidoel", "fechadecreacion", "datadicreazione", "datadecriacao", "dataregistro", "datautworzenia", "aangemaaktop", "ontvangenop", "skapad"],
    }.SelectMany(e => e.Value, (e, synonym) => (synonym, e.Key)).ToFrozenDictionary(p => p.synonym, p => p.Key, StringComparer.Ordinal);

    /// <summary>Our name for a column, or null when its head is not known.</summary>
    internal static string? Field(string header) => Names.GetValueOrDefault(Fold(header));

    /// <summary>Letters that carry no accent which could be taken off.</summary>
    private static string Plain(Rune letter) => letter.Value switch { 'ł' => "l", 'ø' => "o", 'đ' => "d", 'ß' => "ss", 'æ' => "ae", 'ı' => "i", _ => letter.ToString() };

    /// <summary>Letters and digits only, lower case, without accents: "E-Mail", "e_mail" and "Prénom" fold to "email" and "prenom".</summary>
    private static string Fold(string header)
    {
        var folded = new StringBuilder(header.Length);
        foreach (var rune in LeadText.Clean(header).Normalize(NormalizationForm.FormD).EnumerateRunes())
            if (Rune.IsLetterOrDigit(rune) && Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark)
                folded.Append(Plain(Rune.ToLowerInvariant(rune)));
        return folded.ToString().Normalize(NormalizationForm.FormC);
    }
}
